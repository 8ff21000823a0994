// The AWS SDK for JavaScript against a development server: region, endpoint and keys come from the environment.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import * as sdk from '@aws-sdk/client-secrets-manager';

const client = new sdk.SecretsManagerClient({ maxAttempts: 1 });
const send = (operation, inputs) => client.send(new sdk[`${operation}Command`](inputs));
const name = (what) => `node/${what}-${randomUUID().slice(0, 8)}`;

async function create(what, value = 'first') {
  const { Name } = await send('CreateSecret', { Name: name(what), SecretString: value });
  return Name;
}

async function refused(type, operation, inputs, text = '') {
  await assert.rejects(send(operation, inputs), (error) => {
    assert.equal(error.name, type);
    assert.ok(error.message.includes(text), error.message);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(error.$metadata.requestId);
    return true;
  });
}

test('a value is written and read', async () => {
  const secret = await create('value', '{"password": "p\u00e4ss"}');
  const got = await send('GetSecretValue', { SecretId: secret });
  assert.equal(got.SecretString, '{"password": "p\u00e4ss"}');
  assert.deepEqual(got.VersionStages, ['AWSCURRENT']);
  assert.ok(Math.abs(got.CreatedDate - Date.now()) < 60_000);
  assert.match(got.ARN, /^arn:aws:secretsmanager:eu-central-1:000000000000:secret:node\//);
});

test('bytes come back as bytes', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, number) => number);
  const { Name } = await send('CreateSecret', { Name: name('bytes'), SecretBinary: bytes });
  const got = await send('GetSecretValue', { SecretId: Name });
  assert.deepEqual(Uint8Array.from(got.SecretBinary), bytes);
});

test('versions and their staging labels', async () => {
  const secret = await create('versions');
  const token = randomUUID();
  const { VersionId: old } = await send('GetSecretValue', { SecretId: secret });
  await send('PutSecretValue', { SecretId: secret, SecretString: 'pending', ClientRequestToken: token, VersionStages: ['AWSPENDING'] });
  assert.equal((await send('GetSecretValue', { SecretId: secret })).SecretString, 'first');
  await send('UpdateSecretVersionStage', { SecretId: secret, VersionStage: 'AWSCURRENT', MoveToVersionId: token, RemoveFromVersionId: old });
  assert.equal((await send('GetSecretValue', { SecretId: secret })).SecretString, 'pending');
  const { VersionIdsToStages } = await send('DescribeSecret', { SecretId: secret });
  assert.deepEqual(VersionIdsToStages, { [token]: ['AWSCURRENT', 'AWSPENDING'], [old]: ['AWSPREVIOUS'] });
  assert.equal((await send('ListSecretVersionIds', { SecretId: secret })).Versions.length, 2);
});

test('description, tags and lists', async () => {
  const secret = await create('listed');
  await send('UpdateSecret', { SecretId: secret, Description: 'for people' });
  await send('TagResource', { SecretId: secret, Tags: [{ Key: 'team', Value: 'web' }] });
  const page = await send('ListSecrets', { Filters: [{ Key: 'name', Values: [secret] }] });
  assert.equal(page.SecretList.length, 1);
  assert.equal(page.SecretList[0].Description, 'for people');
  assert.deepEqual(page.SecretList[0].Tags, [{ Key: 'team', Value: 'web' }]);
  await send('UntagResource', { SecretId: secret, TagKeys: ['team'] });
  assert.equal((await send('DescribeSecret', { SecretId: secret })).Tags, undefined);
});

test('several at once', async () => {
  const [first, second] = [await create('batch'), await create('batch')];
  const got = await send('BatchGetSecretValue', { SecretIdList: [first, second, 'node/none'] });
  assert.equal(got.SecretValues.length, 2);
  assert.equal(got.Errors[0].ErrorCode, 'ResourceNotFoundException');
});

test('deletion and restoring', async () => {
  const secret = await create('life');
  const { DeletionDate } = await send('DeleteSecret', { SecretId: secret, RecoveryWindowInDays: 7 });
  assert.ok(DeletionDate > new Date());
  await refused('InvalidRequestException', 'GetSecretValue', { SecretId: secret }, 'because it was marked for deletion.');
  await send('RestoreSecret', { SecretId: secret });
  await send('DeleteSecret', { SecretId: secret, ForceDeleteWithoutRecovery: true });
  await refused('ResourceNotFoundException', 'GetSecretValue', { SecretId: secret }, "Secrets Manager can't find the specified secret.");
});

test('errors have their types', async () => {
  const secret = await create('errors');
  await refused('ResourceExistsException', 'CreateSecret', { Name: secret, SecretString: 'x' });
  await refused('InvalidParameterException', 'CreateSecret', { Name: 'a b', SecretString: 'x' });
  await refused('MalformedPolicyDocumentException', 'PutResourcePolicy', { SecretId: secret, ResourcePolicy: '{}' });
  const stranger = new sdk.SecretsManagerClient({ maxAttempts: 1, credentials: { accessKeyId: 'AKIANOBODYKNOWSTHIS0', secretAccessKey: 'x' } });
  await assert.rejects(stranger.send(new sdk.ListSecretsCommand({})), { name: 'UnrecognizedClientException' });
});
