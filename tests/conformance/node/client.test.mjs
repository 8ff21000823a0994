// node-vault against a server: VAULT_ADDR and the CA come from the environment, as in any program of its users.
// KEYHOLD_MODE is "dev" (ready, VAULT_TOKEN set) or "fresh" (not initialised: the client does it all).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import vault from 'node-vault';

const fresh = process.env.KEYHOLD_MODE === 'fresh';
const client = vault();
let keys;

async function refused(promise, status, message) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.response?.statusCode, status, String(error));
    assert.match(error.message, message);
    return true;
  });
}

let written = 0;
async function freshPath(versions) {
  const path = `node/secret-${++written}`;
  for (let version = 1; version <= versions; ++version) {
    await client.write(`secret/data/${path}`, { data: { version: String(version) } });
  }
  return path;
}

if (fresh) {
  test('health before init', async () => {
    assert.deepEqual(await client.initialized(), { initialized: false });
    assert.equal((await client.health()).initialized, false);
  });

  test('init', async () => {
    const reply = await client.init({ secret_shares: 3, secret_threshold: 2 });
    assert.equal(reply.keys.length, 3);
    keys = reply.keys;
    client.token = reply.root_token;
    await refused(client.init({ secret_shares: 1, secret_threshold: 1 }), 400, /initialized/);
  });

  test('sealed refuses', () => refused(client.read('secret/data/any'), 503, /sealed/));

  test('unseal', async () => {
    const first = await client.unseal({ key: keys[0] });
    assert.deepEqual([first.progress, first.t, first.n, first.sealed], [1, 2, 3, true]);
    assert.equal((await client.unseal({ reset: true })).progress, 0);
    await client.unseal({ key: keys[1] });
    assert.equal((await client.unseal({ key: keys[2] })).sealed, false);
  });

  test('mount', async () => {
    await client.mount({ mount_point: 'secret', type: 'kv', options: { version: '2' } });
    await refused(client.mount({ mount_point: 'secret', type: 'kv', options: { version: '2' } }), 400, /in use/);
  });
}

test('health', async () => {
  const health = await client.health();
  assert.deepEqual([health.initialized, health.sealed, health.standby], [true, false, false]);
});

test('seal status', async () => {
  const status = await client.status();
  assert.deepEqual([status.type, status.sealed], ['shamir', false]);
});

test('first secret', async () => {
  const put = await client.write('secret/data/node/creds', { data: { username: 'app', password: 'hunter2' } });
  assert.equal(put.data.version, 1);
  const secret = await client.read('secret/data/node/creds');
  assert.equal(secret.data.data.username, 'app');
  assert.equal(secret.data.metadata.version, 1);
  for (const member of ['request_id', 'lease_id', 'renewable', 'lease_duration', 'wrap_info', 'warnings', 'auth']) {
    assert.ok(member in secret, member);
  }
});

test('content as received', async () => {
  const content = { text: 'ä " \\ \0 😀', list: [1, null, { a: false }], number: 1.5, '': '' };
  await client.write('secret/data/node/content', { data: content });
  assert.deepEqual((await client.read('secret/data/node/content')).data.data, content);
});

test('versions', async () => {
  const path = await freshPath(3);
  assert.deepEqual((await client.read(`secret/data/${path}?version=2`)).data.data, { version: '2' });
  const metadata = (await client.read(`secret/metadata/${path}`)).data;
  assert.equal(metadata.current_version, 3);
  assert.deepEqual(Object.keys(metadata.versions).sort(), ['1', '2', '3']);
});

test('check and set', async () => {
  const path = await freshPath(1);
  const put = (cas) => client.write(`secret/data/${path}`, { data: {}, options: { cas } });
  await refused(put(0), 400, /check-and-set parameter did not match the current version/);
  await refused(put(5), 400, /check-and-set parameter did not match the current version/);
  assert.equal((await put(1)).data.version, 2);
});

test('list', async () => {
  for (const name of ['a', 'b/c']) await client.write(`secret/data/node-list/${name}`, { data: {} });
  for (const path of ['secret/metadata/node-list', 'secret/metadata/node-list/']) {
    assert.deepEqual((await client.list(path)).data.keys, ['a', 'b/']);
  }
  const byQuery = vault({ noCustomHTTPVerbs: true, token: client.token });
  assert.deepEqual((await byQuery.list('secret/metadata/node-list')).data.keys, ['a', 'b/']);
});

test('missing', async () => {
  await refused(client.read('secret/data/node/missing'), 404, /^Status 404$/);
  await refused(client.list('secret/metadata/node/missing'), 404, /^Status 404$/);
});

test('deleted version', async () => {
  const path = await freshPath(2);
  assert.equal(await client.delete(`secret/data/${path}`), '');
  await assert.rejects(client.read(`secret/data/${path}`), ({ response }) => {
    assert.equal(response.statusCode, 404);
    assert.equal(response.body.data.data, null);
    assert.notEqual(response.body.data.metadata.deletion_time, '');
    return true;
  });
  await client.write(`secret/undelete/${path}`, { versions: [2] });
  assert.deepEqual((await client.read(`secret/data/${path}`)).data.data, { version: '2' });
  await client.write(`secret/delete/${path}`, { versions: [1] });
  await refused(client.read(`secret/data/${path}?version=1`), 404, /./);
});

test('destroy', async () => {
  const path = await freshPath(2);
  await client.destroySecretVersions({ path, versions: [1] });
  const metadata = (await client.read(`secret/metadata/${path}`)).data;
  assert.equal(metadata.versions['1'].destroyed, true);
  assert.equal(metadata.versions['2'].destroyed, false);
});

test('patch', async () => {
  const path = await freshPath(0);
  await refused(client.update(`secret/data/${path}`, { data: { a: 1 } }), 404, /^Status 404$/);
  await client.write(`secret/data/${path}`, { data: { keep: 1.5, drop: 'x', deep: { a: 1, b: 2 } } });
  const patched = await client.update(`secret/data/${path}`, { data: { drop: null, deep: { a: null } }, options: { cas: 1 } });
  assert.equal(patched.data.version, 2);
  assert.deepEqual((await client.read(`secret/data/${path}`)).data.data, { keep: 1.5, deep: { b: 2 } });
  await refused(client.update(`secret/data/${path}`, { data: {}, options: { cas: 1 } }), 400, /did not match the current version/);
});

test('metadata', async () => {
  const path = await freshPath(1);
  assert.equal(await client.write(`secret/metadata/${path}`, { max_versions: 3, custom_metadata: { team: 'a' } }), '');
  assert.equal(await client.update(`secret/metadata/${path}`, { custom_metadata: { tier: '1' } }), '');
  const metadata = (await client.read(`secret/metadata/${path}`)).data;
  assert.deepEqual([metadata.max_versions, metadata.custom_metadata], [3, { team: 'a', tier: '1' }]);
  await refused(client.write(`secret/metadata/${path}`, { custom_metadata: { a: { b: 'c' } } }), 400, /custom_metadata validation failed/);
  await client.delete(`secret/metadata/${path}`);
  await refused(client.read(`secret/data/${path}`), 404, /^Status 404$/);
});

test('version one', async () => {
  await client.mount({ mount_point: 'node-v1', type: 'kv', options: { version: '1' } });
  await client.write('node-v1/a', { password: 'hunter2', ttl: '1h' });
  const secret = await client.read('node-v1/a');
  assert.deepEqual([secret.data.password, secret.lease_duration], ['hunter2', 3600]);
  assert.deepEqual((await client.list('node-v1')).data.keys, ['a']);
  await client.delete('node-v1/a');
  await refused(client.read('node-v1/a'), 404, /^Status 404$/);
  await client.unmount({ mount_point: 'node-v1' });
});

test('cubbyhole', async () => {
  await client.write('cubbyhole/node', { mine: 'yes' });
  assert.deepEqual((await client.read('cubbyhole/node')).data, { mine: 'yes' });
  await client.delete('cubbyhole/node');
  await refused(client.read('cubbyhole/node'), 404, /^Status 404$/);
});

test('second mount', async () => {
  await client.mount({ mount_point: 'node-kv', type: 'kv', options: { version: '2' } });
  await client.write('node-kv/data/a', { data: { b: 'c' } });
  await client.unmount({ mount_point: 'node-kv' });
  await refused(client.read('node-kv/data/a'), 404, /no handler for route|Status 404/);
});

test('policy and tokens', async () => {
  await client.write('sys/policies/acl/node-reader', {
    policy: 'path "secret/data/node/allowed" { capabilities = ["read"] }',
  });
  await client.write('secret/data/node/allowed', { data: { k: 'v' } });
  const limited = vault({ token: client.token });  // tokenCreate() moves a client to the token it made.
  const { auth } = await limited.tokenCreate({ policies: ['node-reader'], ttl: '1h' });
  assert.deepEqual(auth.policies, ['default', 'node-reader']);
  assert.deepEqual((await limited.read('secret/data/node/allowed')).data.data, { k: 'v' });
  await refused(limited.write('secret/data/node/allowed', { data: {} }), 403, /permission denied/);
  await refused(limited.read('secret/data/node/creds'), 403, /permission denied/);
  assert.ok((await limited.tokenLookupSelf()).data.policies.includes('node-reader'));
  await limited.tokenRevokeSelf();
  await refused(limited.read('secret/data/node/allowed'), 403, /permission denied/);
});

test('policy life cycle', async () => {
  const rules = 'path "secret/data/node/+/config" { capabilities = ["read"] }';
  await client.addPolicy({ name: 'node-life', rules });
  const read = await client.getPolicy({ name: 'node-life' });
  assert.equal(read.rules ?? read.data.rules, rules);
  assert.ok((await client.policies()).policies.includes('node-life'));
  const limited = vault({ token: client.token });
  await limited.tokenCreate({ policies: ['node-life'], ttl: '1h' });
  const told = await limited.write('sys/capabilities-self', { paths: ['secret/data/node/a/config'] });
  assert.deepEqual(told.data.capabilities, ['read']);
  await client.write('secret/data/node/a/config', { data: { k: 'v' } });
  assert.deepEqual((await limited.read('secret/data/node/a/config')).data.data, { k: 'v' });
  await refused(limited.write('secret/data/node/a/config', { data: {} }), 403, /permission denied/);
  await client.removePolicy({ name: 'node-life' });
  await refused(client.getPolicy({ name: 'node-life' }), 404, /404/);
  await refused(limited.read('secret/data/node/a/config'), 403, /permission denied/);
});

test('life of a token', async () => {
  const maker = vault({ token: client.token });
  const { auth } = await maker.tokenCreate({ policies: ['default'], ttl: '1h', display_name: 'ci' });
  const own = vault({ token: auth.client_token });
  assert.equal((await client.tokenLookup({ token: auth.client_token })).data.display_name, 'token-ci');
  assert.equal((await client.tokenLookupAccessor({ accessor: auth.accessor })).data.id, '');
  const renewer = vault({ token: client.token });  // Renewing moves a client to the token, too.
  assert.equal((await renewer.tokenRenew({ token: auth.client_token, increment: '2h' })).auth.lease_duration, 7200);
  assert.equal((await own.tokenRenewSelf({ increment: 600 })).auth.lease_duration, 600);
  await refused(own.tokenLookup({ token: auth.client_token }), 403, /permission denied/);
  await refused(own.tokenAccessors(), 403, /permission denied/);
  assert.ok((await client.tokenAccessors()).data.keys.includes(auth.accessor));
  await client.tokenRevokeAccessor({ accessor: auth.accessor });
  await refused(own.tokenLookupSelf(), 403, /permission denied/);
  await refused(client.tokenLookup({ token: auth.client_token }), 403, /bad token/);
});

test('token through a role', async () => {
  await client.addTokenRole({ role_name: 'node', allowed_policies: 'default', orphan: true });
  assert.equal((await client.getTokenRole({ role_name: 'node' })).data.orphan, true);
  const maker = vault({ token: client.token });
  const { auth } = await maker.tokenCreateRole({ role_name: 'node', ttl: '1h', num_uses: 1 });
  const own = vault({ token: auth.client_token });
  await own.tokenLookupSelf();
  await refused(own.tokenLookupSelf(), 403, /permission denied/);
  await client.removeTokenRole({ role_name: 'node' });
  await refused(client.getTokenRole({ role_name: 'node' }), 404, /./);
});

test('mounts and auth methods', async () => {
  await client.mount({ mount_point: 'node-moving', type: 'kv', options: { version: '2' }, config: { max_lease_ttl: '2h' } });
  await client.write('node-moving/data/a', { data: { k: 'v' } });
  await client.remount({ from: 'node-moving', to: 'node/moved' });
  assert.equal((await client.read('node/moved/data/a')).data.data.k, 'v');
  assert.equal((await client.mounts()).data['node/moved/'].config.max_lease_ttl, 7200);
  await client.unmount({ mount_point: 'node/moved' });
  assert.equal((await client.auths())['token/'].type, 'token');
  await refused(client.enableAuth({ mount_point: 'node', type: 'no-such-method' }), 400, /unknown backend type/);
});

test('help', async () => {
  assert.match((await client.help('sys/mounts')).help, /All mounted engines/);
});

test('response wrapping', async () => {
  const wrapped = await client.read('secret/data/node/creds', { headers: { 'X-Vault-Wrap-TTL': '60' } });
  assert.equal(wrapped.data, null);
  assert.equal(wrapped.wrap_info.ttl, 60);
  assert.equal(wrapped.wrap_info.creation_path, 'secret/data/node/creds');
  const { token } = wrapped.wrap_info;
  const bearer = vault({ token });
  assert.equal((await bearer.unwrap({ token })).data.data.username, 'app');
  await refused(client.unwrap({ token }), 400, /wrapping token is not valid or does not exist/);
});

test('forged token', () =>
  refused(vault({ token: `hvs.${'A'.repeat(90)}` }).read('secret/data/node/creds'), 403, /permission denied/));

if (fresh) {
  test('seal and unseal', async () => {
    await client.seal();
    await refused(client.read('secret/data/node/creds'), 503, /sealed/);
    await client.unseal({ key: keys[0] });
    await client.unseal({ key: keys[1] });
    assert.equal((await client.read('secret/data/node/creds')).data.data.username, 'app');
  });
}
