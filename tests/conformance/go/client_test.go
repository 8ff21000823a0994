// The official Go client against a server: VAULT_ADDR and the CA come from the environment, as in any program of its users.
// KEYHOLD_MODE is "dev" (ready, VAULT_TOKEN set) or "fresh" (not initialised: the client does it all).
package conformance

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

var ctx = context.Background()

func newClient(t *testing.T, token string) *api.Client {
	t.Helper()
	client, err := api.NewClient(nil)
	must(t, err)
	client.SetMaxRetries(0)
	client.SetToken(token)
	return client
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// The error is an answer of that status, one of whose errors contains the text.
func refused(t *testing.T, err error, status int, text string) {
	t.Helper()
	var response *api.ResponseError
	if !errors.As(err, &response) {
		t.Fatalf("got %v, want a %d", err, status)
	}
	equal(t, "status", response.StatusCode, status)
	if text == "" {
		equal(t, "errors", len(response.Errors), 0)
		return
	}
	for _, message := range response.Errors {
		if strings.Contains(message, text) {
			return
		}
	}
	t.Fatalf("errors %q do not say %q", response.Errors, text)
}

// One secret of its own for each case that changes it.
var written int

func freshPath(t *testing.T, client *api.Client, versions int) string {
	t.Helper()
	written++
	path := fmt.Sprintf("go/secret-%d", written)
	for version := 1; version <= versions; version++ {
		_, err := client.KVv2("secret").Put(ctx, path, map[string]interface{}{"version": fmt.Sprint(version)})
		must(t, err)
	}
	return path
}

func TestClient(t *testing.T) {
	var client *api.Client
	var keys []string
	fresh := os.Getenv("KEYHOLD_MODE") == "fresh"
	run := func(name string, body func(*testing.T)) {
		if !t.Run(name, body) && (name == "Init" || name == "Unseal" || name == "Mount") {
			t.Fatal("the rest needs it")
		}
	}

	if fresh {
		client = newClient(t, "")
		client.ClearToken()
		run("HealthBeforeInit", func(t *testing.T) {
			health, err := client.Sys().Health()
			must(t, err)
			equal(t, "initialized", health.Initialized, false)
			equal(t, "sealed", health.Sealed, true)
			initialized, err := client.Sys().InitStatus()
			must(t, err)
			equal(t, "init status", initialized, false)
		})
		run("Init", func(t *testing.T) {
			reply, err := client.Sys().Init(&api.InitRequest{SecretShares: 3, SecretThreshold: 2})
			must(t, err)
			equal(t, "shares", len(reply.KeysB64), 3)
			equal(t, "shares in hex", len(reply.Keys), 3)
			keys = reply.KeysB64
			client.SetToken(reply.RootToken)
		})
		run("InitOnce", func(t *testing.T) {
			_, err := client.Sys().Init(&api.InitRequest{SecretShares: 1, SecretThreshold: 1})
			refused(t, err, 400, "initialized")
		})
		run("SealedRefuses", func(t *testing.T) {
			_, err := client.Logical().Read("secret/data/any")
			refused(t, err, 503, "sealed")
		})
		run("Unseal", func(t *testing.T) {
			status, err := client.Sys().Unseal(keys[0])
			must(t, err)
			equal(t, "progress", status.Progress, 1)
			equal(t, "threshold", status.T, 2)
			equal(t, "shares", status.N, 3)
			if status.Nonce == "" {
				t.Fatal("no nonce while unsealing")
			}
			status, err = client.Sys().ResetUnsealProcess()
			must(t, err)
			equal(t, "progress after reset", status.Progress, 0)
			for _, key := range []string{keys[2], keys[0]} {
				status, err = client.Sys().Unseal(key)
				must(t, err)
			}
			equal(t, "sealed", status.Sealed, false)
		})
		run("Mount", func(t *testing.T) {
			must(t, client.Sys().Mount("secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
		})
		run("MountOnce", func(t *testing.T) {
			err := client.Sys().Mount("secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}})
			refused(t, err, 400, "in use")
		})
		run("RotateKeyring", func(t *testing.T) {
			before, err := client.Sys().KeyStatus()
			must(t, err)
			must(t, client.Sys().Rotate())
			after, err := client.Sys().KeyStatus()
			must(t, err)
			equal(t, "term", after.Term, before.Term+1)
			if time.Since(after.InstallTime).Abs() > time.Hour {
				t.Fatalf("installed %v", after.InstallTime)
			}
		})
		run("Rekey", func(t *testing.T) {
			status, err := client.Sys().RekeyInit(&api.RekeyInitRequest{SecretShares: 5, SecretThreshold: 3, RequireVerification: true})
			must(t, err)
			equal(t, "started", status.Started, true)
			equal(t, "required", status.Required, 2)
			_, err = client.Sys().RekeyInit(&api.RekeyInitRequest{SecretShares: 1, SecretThreshold: 1})
			refused(t, err, 400, "already in progress")
			first, err := client.Sys().RekeyUpdate(keys[1], status.Nonce)
			must(t, err)
			equal(t, "complete at first", first.Complete, false)
			last, err := client.Sys().RekeyUpdate(keys[0], status.Nonce)
			must(t, err)
			equal(t, "complete", last.Complete, true)
			equal(t, "shares", len(last.KeysB64), 5)
			equal(t, "verification required", last.VerificationRequired, true)
			for index, key := range last.KeysB64[:3] {
				proof, err := client.Sys().RekeyVerificationUpdate(key, last.VerificationNonce)
				must(t, err)
				equal(t, "proven", proof.Complete, index == 2)
			}
			keys = last.KeysB64
			none, err := client.Sys().RekeyStatus()
			must(t, err)
			equal(t, "started after the end", none.Started, false)
			equal(t, "required from now on", none.Required, 3)
		})
		run("RekeyCancel", func(t *testing.T) {
			_, err := client.Sys().RekeyInit(&api.RekeyInitRequest{SecretShares: 1, SecretThreshold: 1})
			must(t, err)
			must(t, client.Sys().RekeyCancel())
		})
		run("GenerateRoot", func(t *testing.T) {
			begun, err := client.Sys().GenerateRootInit("", "")
			must(t, err)
			equal(t, "pad", len(begun.OTP), begun.OTPLength)
			var done *api.GenerateRootStatusResponse
			for _, key := range keys[1:4] {
				done, err = client.Sys().GenerateRootUpdate(key, begun.Nonce)
				must(t, err)
			}
			equal(t, "complete", done.Complete, true)
			encoded, err := base64.RawStdEncoding.DecodeString(done.EncodedRootToken)
			must(t, err)
			for index := range encoded {
				encoded[index] ^= begun.OTP[index]
			}
			decoded, err := client.Logical().Write("sys/decode-token", map[string]interface{}{"encoded_token": done.EncodedToken, "otp": begun.OTP})
			must(t, err)
			equal(t, "decoded", decoded.Data["token"], interface{}(string(encoded)))
			stranger := newClient(t, string(encoded))
			self, err := stranger.Auth().Token().LookupSelf()
			must(t, err)
			equal(t, "policies", self.Data["policies"], interface{}([]interface{}{"root"}))
		})
	} else {
		client = newClient(t, os.Getenv("VAULT_TOKEN"))
	}
	kv := client.KVv2("secret")

	run("NoNamespace", func(t *testing.T) { equal(t, "header", client.Headers().Get("X-Vault-Namespace"), "") })

	run("Health", func(t *testing.T) {
		health, err := client.Sys().Health()
		must(t, err)
		equal(t, "initialized", health.Initialized, true)
		equal(t, "sealed", health.Sealed, false)
		equal(t, "standby", health.Standby, false)
		if health.Version == "" {
			t.Fatal("no version")
		}
	})

	run("SealStatus", func(t *testing.T) {
		status, err := client.Sys().SealStatus()
		must(t, err)
		equal(t, "type", status.Type, "shamir")
		equal(t, "sealed", status.Sealed, false)
	})

	run("FirstSecret", func(t *testing.T) {
		_, err := kv.Put(ctx, "database/creds", map[string]interface{}{"username": "app", "password": "hunter2"})
		must(t, err)
		secret, err := client.KVv2("secret").Get(ctx, "database/creds")
		must(t, err)
		equal(t, "username", secret.Data["username"], interface{}("app"))
		equal(t, "version", secret.VersionMetadata.Version, 1)
		if time.Since(secret.VersionMetadata.CreatedTime).Abs() > time.Hour {
			t.Fatalf("created %v", secret.VersionMetadata.CreatedTime)
		}
	})

	run("ContentAsReceived", func(t *testing.T) {
		content := `{"big":12345678901234567890123,"exact":1.10,"tiny":1e-400,"text":"ä \" \\ \u0000 😀","list":[1,null,{"a":false}],"":""}`
		decoder := json.NewDecoder(strings.NewReader(content))
		decoder.UseNumber()
		var want map[string]interface{}
		must(t, decoder.Decode(&want))
		_, err := kv.Put(ctx, "go/content", want)
		must(t, err)
		secret, err := kv.Get(ctx, "go/content")
		must(t, err)
		equal(t, "content", secret.Data, want)
	})

	run("MebibyteValue", func(t *testing.T) {
		value := strings.Repeat("0123456789abcdef", 65536)
		_, err := kv.Put(ctx, "go/large", map[string]interface{}{"value": value})
		must(t, err)
		secret, err := kv.Get(ctx, "go/large")
		must(t, err)
		if secret.Data["value"] != value {
			t.Fatal("the value changed")
		}
	})

	run("Versions", func(t *testing.T) {
		path := freshPath(t, client, 3)
		secret, err := kv.GetVersion(ctx, path, 2)
		must(t, err)
		equal(t, "content", secret.Data["version"], interface{}("2"))
		versions, err := kv.GetVersionsAsList(ctx, path)
		must(t, err)
		equal(t, "versions", len(versions), 3)
		equal(t, "last", versions[2].Version, 3)
		metadata, err := kv.GetMetadata(ctx, path)
		must(t, err)
		equal(t, "current", metadata.CurrentVersion, 3)
		equal(t, "cas required", metadata.CASRequired, false)
		equal(t, "versions of metadata", len(metadata.Versions), 3)
	})

	run("OnlyTheNewestVersionsStay", func(t *testing.T) {
		path := freshPath(t, client, 12)
		metadata, err := kv.GetMetadata(ctx, path)
		must(t, err)
		equal(t, "kept", len(metadata.Versions), 10)
		equal(t, "oldest", metadata.OldestVersion, 3)
		_, err = kv.GetVersion(ctx, path, 1)
		if !errors.Is(err, api.ErrSecretNotFound) {
			t.Fatal(err)
		}
	})

	run("Cas", func(t *testing.T) {
		path := freshPath(t, client, 0)
		data := map[string]interface{}{"a": "b"}
		_, err := kv.Put(ctx, path, data, api.WithCheckAndSet(0))
		must(t, err)
		_, err = kv.Put(ctx, path, data, api.WithCheckAndSet(0))
		refused(t, err, 400, "check-and-set parameter did not match the current version")
		secret, err := kv.Put(ctx, path, data, api.WithCheckAndSet(1))
		must(t, err)
		equal(t, "version", secret.VersionMetadata.Version, 2)
		_, err = kv.Put(ctx, path, data, api.WithCheckAndSet(7))
		refused(t, err, 400, "check-and-set parameter did not match the current version")
	})

	run("List", func(t *testing.T) {
		for _, name := range []string{"list/a", "list/b/c", "list/b/d"} {
			_, err := kv.Put(ctx, name, map[string]interface{}{})
			must(t, err)
		}
		for _, path := range []string{"secret/metadata/list", "secret/metadata/list/"} {
			listed, err := client.Logical().List(path)
			must(t, err)
			equal(t, path, listed.Data["keys"], interface{}([]interface{}{"a", "b/"}))
		}
	})

	run("MissingIsNil", func(t *testing.T) {
		secret, err := client.Logical().Read("secret/data/go/missing")
		must(t, err)
		equal(t, "read", secret, nil)
		secret, err = client.Logical().List("secret/metadata/go/missing")
		must(t, err)
		equal(t, "list", secret, nil)
		_, err = kv.Get(ctx, "go/missing")
		if !errors.Is(err, api.ErrSecretNotFound) {
			t.Fatal(err)
		}
	})

	run("DeletedVersion", func(t *testing.T) {
		path := freshPath(t, client, 2)
		must(t, kv.Delete(ctx, path))
		secret, err := kv.Get(ctx, path)
		must(t, err)
		if secret.Data != nil || secret.VersionMetadata.DeletionTime.IsZero() {
			t.Fatalf("data %v, deleted %v", secret.Data, secret.VersionMetadata.DeletionTime)
		}
		secret, err = kv.GetVersion(ctx, path, 1)
		must(t, err)
		equal(t, "the version before", secret.Data["version"], interface{}("1"))
		must(t, kv.Undelete(ctx, path, []int{2}))
		secret, err = kv.Get(ctx, path)
		must(t, err)
		equal(t, "undeleted", secret.Data["version"], interface{}("2"))
	})

	run("DeleteVersions", func(t *testing.T) {
		path := freshPath(t, client, 3)
		must(t, kv.DeleteVersions(ctx, path, []int{1, 3}))
		versions, err := kv.GetVersionsAsList(ctx, path)
		must(t, err)
		for index, deleted := range []bool{true, false, true} {
			equal(t, fmt.Sprintf("version %d deleted", index+1), !versions[index].DeletionTime.IsZero(), deleted)
		}
	})

	run("Destroy", func(t *testing.T) {
		path := freshPath(t, client, 2)
		must(t, kv.Destroy(ctx, path, []int{1}))
		secret, err := kv.GetVersion(ctx, path, 1)
		must(t, err)
		equal(t, "destroyed", secret.VersionMetadata.Destroyed, true)
		if secret.Data != nil {
			t.Fatal("destroyed data came back")
		}
		must(t, kv.Undelete(ctx, path, []int{1}))
		secret, err = kv.GetVersion(ctx, path, 1)
		must(t, err)
		equal(t, "destroyed for good", secret.VersionMetadata.Destroyed, true)
	})

	keyValueCases(run, client)

	run("SecondMount", func(t *testing.T) {
		must(t, client.Sys().Mount("team/kv", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
		_, err := client.KVv2("team/kv").Put(ctx, "a", map[string]interface{}{"b": "c"})
		must(t, err)
		must(t, client.Sys().Unmount("team/kv"))
		_, err = client.Logical().Write("team/kv/data/a", map[string]interface{}{"data": map[string]interface{}{}})
		refused(t, err, 404, "no handler for route")
		must(t, client.Sys().Mount("team/kv", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
		_, err = client.KVv2("team/kv").Get(ctx, "a")
		if !errors.Is(err, api.ErrSecretNotFound) {
			t.Fatal("a mount made again shows old data: ", err)
		}
		must(t, client.Sys().Unmount("team/kv"))
	})

	run("PolicyAndTokens", func(t *testing.T) {
		policy := `path "secret/data/go/allowed/*" { capabilities = ["create", "read"] }
path "secret/data/go/allowed/not" { capabilities = ["deny"] }`
		must(t, client.Sys().PutPolicy("go-reader", policy))
		_, err := kv.Put(ctx, "go/allowed/a", map[string]interface{}{"k": "v"})
		must(t, err)
		created, err := client.Auth().Token().Create(&api.TokenCreateRequest{
			Policies: []string{"go-reader"}, TTL: "1h", DisplayName: "go", Metadata: map[string]string{"team": "a"}})
		must(t, err)
		if created.Auth == nil || !strings.HasPrefix(created.Auth.ClientToken, "hvs.") {
			t.Fatal("no service token")
		}
		equal(t, "policies", created.Auth.TokenPolicies, []string{"default", "go-reader"})
		equal(t, "lease", created.Auth.LeaseDuration, 3600)

		limited := newClient(t, created.Auth.ClientToken)
		secret, err := limited.KVv2("secret").Get(ctx, "go/allowed/a")
		must(t, err)
		equal(t, "allowed", secret.Data["k"], interface{}("v"))
		_, err = limited.KVv2("secret").Put(ctx, "go/allowed/new", map[string]interface{}{})
		must(t, err)
		_, err = limited.KVv2("secret").Put(ctx, "go/allowed/new", map[string]interface{}{})
		refused(t, err, 403, "permission denied")
		_, err = limited.KVv2("secret").Get(ctx, "go/allowed/not")
		refused(t, err, 403, "permission denied")
		_, err = limited.KVv2("secret").Get(ctx, "database/creds")
		refused(t, err, 403, "permission denied")
		_, err = limited.Logical().List("secret/metadata/go")
		refused(t, err, 403, "permission denied")

		self, err := limited.Auth().Token().LookupSelf()
		must(t, err)
		equal(t, "display name", self.Data["display_name"], interface{}("token-go"))
		ttl, err := self.TokenTTL()
		must(t, err)
		if ttl <= 0 || ttl > time.Hour {
			t.Fatal("ttl ", ttl)
		}
		must(t, limited.Auth().Token().RevokeSelf(""))
		_, err = limited.KVv2("secret").Get(ctx, "go/allowed/a")
		refused(t, err, 403, "permission denied")
	})

	run("PolicyLifeCycle", func(t *testing.T) {
		text := `path "secret/metadata/go-life" { capabilities = ["list"] }
path "secret/data/+/config" {
  capabilities      = ["create", "update"]
  denied_parameters = { "options" = [] }
}
path "secret/data/go-life/config" { capabilities = ["read"] }
path "sys/seal" { capabilities = ["update"] }`
		must(t, client.Sys().PutPolicy("Go-Life", text))
		got, err := client.Sys().GetPolicy("go-life")
		must(t, err)
		equal(t, "text", got, text)
		names, err := client.Sys().ListPolicies()
		must(t, err)
		if !slices.Contains(names, "go-life") || !slices.Contains(names, "root") {
			t.Fatal("policies: ", names)
		}
		old, err := client.Logical().Read("sys/policy/go-life")
		must(t, err)
		equal(t, "rules", old.Data["rules"], interface{}(text))
		refused(t, client.Sys().PutPolicy("ROOT", text), 400, "cannot update \"root\" policy")
		refused(t, client.Sys().DeletePolicy("default"), 400, "cannot delete default policy")
		refused(t, client.Sys().PutPolicy("go-bad", "path \"a\" {\n  capabilities = [\"all\"]\n}"), 400, "line 2, column 19")

		created, err := client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"GO-LIFE"}, TTL: "1h"})
		must(t, err)
		limited := newClient(t, created.Auth.ClientToken)
		for path, want := range map[string][]string{
			"secret/data/other/config":   {"create", "update"},
			"secret/data/go-life/config": {"read"},
			"secret/metadata/go-life/":   {"list"},
			"secret/data/a/b/config":     {"deny"},
		} {
			for _, ask := range []func(string) ([]string, error){
				limited.Sys().CapabilitiesSelf,
				func(path string) ([]string, error) { return client.Sys().Capabilities(created.Auth.ClientToken, path) },
				func(path string) ([]string, error) {
					return client.Sys().CapabilitiesAccessor(created.Auth.Accessor, path)
				},
			} {
				told, err := ask(path)
				must(t, err)
				equal(t, path, told, want)
			}
		}
		rootHas, err := client.Sys().CapabilitiesSelf("any")
		must(t, err)
		equal(t, "root", rootHas, []string{"root"})

		_, err = limited.KVv2("secret").Put(ctx, "go-other/config", map[string]interface{}{})
		must(t, err)
		_, err = limited.KVv2("secret").Put(ctx, "go-other/config", map[string]interface{}{}, api.WithCheckAndSet(1))
		refused(t, err, 403, "permission denied") // cas goes in "options"
		_, err = limited.KVv2("secret").Put(ctx, "go-life/config", map[string]interface{}{})
		refused(t, err, 403, "permission denied")
		refused(t, limited.Sys().Seal(), 403, "permission denied") // which needs sudo as well

		acl, err := limited.Logical().Read("sys/internal/ui/resultant-acl")
		must(t, err)
		if acl.Data["root"] != false || acl.Data["exact_paths"] == nil || acl.Data["glob_paths"] == nil {
			t.Fatal("resultant-acl: ", acl.Data)
		}
		must(t, client.Sys().DeletePolicy("go-life"))
		gone, err := client.Sys().GetPolicy("go-life")
		must(t, err)
		equal(t, "deleted", gone, "")
		_, err = limited.KVv2("secret").Put(ctx, "go-other/config", map[string]interface{}{})
		refused(t, err, 403, "permission denied")
	})

	run("LifeOfAToken", func(t *testing.T) {
		tokens := client.Auth().Token()
		created, err := tokens.Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "1h", Period: "2h"})
		must(t, err)
		equal(t, "period", created.Auth.LeaseDuration, 7200)
		token, accessor := created.Auth.ClientToken, created.Auth.Accessor
		seen, err := tokens.Lookup(token)
		must(t, err)
		equal(t, "accessor", seen.Data["accessor"], interface{}(accessor))
		seen, err = tokens.LookupAccessor(accessor)
		must(t, err)
		equal(t, "hidden", seen.Data["id"], interface{}(""))
		renewed, err := tokens.Renew(token, 60)
		must(t, err)
		equal(t, "renewed", renewed.Auth.LeaseDuration, 7200)
		equal(t, "renewable", renewed.Auth.Renewable, true)
		own := newClient(t, token)
		_, err = own.Auth().Token().RenewSelf(60)
		must(t, err)
		_, err = own.Auth().Token().Renew(token, 60)
		refused(t, err, 403, "permission denied")
		_, err = own.Auth().Token().Create(&api.TokenCreateRequest{})
		refused(t, err, 403, "permission denied")
		watcher, err := own.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: renewed})
		must(t, err)
		go watcher.Start()
		select {
		case <-watcher.RenewCh():
		case err := <-watcher.DoneCh():
			t.Fatal("the watcher gave up: ", err)
		case <-time.After(20 * time.Second):
			t.Fatal("no renewal")
		}
		watcher.Stop()
		must(t, tokens.RevokeAccessor(accessor))
		_, err = tokens.Lookup(token)
		refused(t, err, 403, "bad token")
		_, err = tokens.Renew(token, 60)
		refused(t, err, 400, "token not found")
	})

	run("FamiliesOfTokens", func(t *testing.T) {
		tokens := client.Auth().Token()
		create := func(client *api.Client) *api.Client {
			created, err := client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"root"}, TTL: "1h"})
			must(t, err)
			return newClient(t, created.Auth.ClientToken)
		}
		parent := create(client)
		child := create(parent)
		grandchild := create(child)
		must(t, tokens.RevokeOrphan(parent.Token()))
		_, err := parent.Auth().Token().LookupSelf()
		refused(t, err, 403, "permission denied")
		self, err := child.Auth().Token().LookupSelf()
		must(t, err)
		equal(t, "type", self.Data["type"], interface{}("service"))
		must(t, tokens.RevokeTree(child.Token()))
		_, err = grandchild.Auth().Token().LookupSelf()
		refused(t, err, 403, "permission denied")
	})

	run("LimitedAndBatchTokens", func(t *testing.T) {
		tokens := client.Auth().Token()
		limited, err := tokens.Create(&api.TokenCreateRequest{Policies: []string{"default"}, NumUses: 1})
		must(t, err)
		once := newClient(t, limited.Auth.ClientToken).Auth().Token()
		_, err = once.LookupSelf()
		must(t, err)
		_, err = once.LookupSelf()
		refused(t, err, 403, "permission denied")
		batch, err := tokens.CreateOrphan(&api.TokenCreateRequest{Policies: []string{"default"}, Type: "batch", TTL: "1h"})
		must(t, err)
		self, err := newClient(t, batch.Auth.ClientToken).Auth().Token().LookupSelf()
		must(t, err)
		equal(t, "type", self.Data["type"], interface{}("batch"))
		_, err = tokens.Renew(batch.Auth.ClientToken, 60)
		refused(t, err, 400, "batch tokens cannot be renewed")
	})

	run("TokenRoles", func(t *testing.T) {
		_, err := client.Logical().Write("auth/token/roles/go", map[string]interface{}{"allowed_policies": "default", "orphan": true})
		must(t, err)
		made, err := client.Auth().Token().CreateWithRole(&api.TokenCreateRequest{TTL: "1h"}, "go")
		must(t, err)
		equal(t, "orphan", made.Auth.Orphan, true)
		_, err = client.Auth().Token().CreateWithRole(&api.TokenCreateRequest{Policies: []string{"root"}}, "go")
		refused(t, err, 400, "must be subset of the role's allowed policies")
		must(t, client.Sys().RevokePrefix("auth/token/create/go"))
		_, err = client.Auth().Token().Lookup(made.Auth.ClientToken)
		refused(t, err, 403, "bad token")
	})

	run("MountsAndTheirTuning", func(t *testing.T) {
		must(t, client.Sys().Mount("go-tuned", &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"},
			Config: api.MountConfigInput{DefaultLeaseTTL: "1h", MaxLeaseTTL: "2h"}}))
		_, err := client.Logical().Write("go-tuned/a", map[string]interface{}{"k": "v"})
		must(t, err)
		config, err := client.Sys().MountConfig("go-tuned")
		must(t, err)
		equal(t, "default ttl", config.DefaultLeaseTTL, 3600)
		equal(t, "max ttl", config.MaxLeaseTTL, 7200)
		about := "tuned"
		must(t, client.Sys().TuneMount("go-tuned", api.MountConfigInput{MaxLeaseTTL: "3h", Description: &about,
			ListingVisibility: "unauth", Options: map[string]string{"version": "2"}}))
		mounts, err := client.Sys().ListMounts()
		must(t, err)
		equal(t, "max ttl", mounts["go-tuned/"].Config.MaxLeaseTTL, 10800)
		equal(t, "description", mounts["go-tuned/"].Description, about)
		equal(t, "visibility", mounts["go-tuned/"].Config.ListingVisibility, "unauth")
		upgraded, err := client.KVv2("go-tuned").Get(ctx, "a")
		must(t, err)
		equal(t, "version after the upgrade", upgraded.VersionMetadata.Version, 1)
		equal(t, "content after the upgrade", upgraded.Data["k"], interface{}("v"))
		refused(t, client.Sys().TuneMount("go-tuned", api.MountConfigInput{DefaultLeaseTTL: "4h"}), 400, "less than backend default")
		refused(t, client.Sys().TuneMount("go-none", api.MountConfigInput{}), 400, "no mount entry found")

		must(t, client.Sys().Remount("go-tuned", "go/moved"))
		moved, err := client.KVv2("go/moved").Get(ctx, "a")
		must(t, err)
		equal(t, "content after the move", moved.Data["k"], interface{}("v"))
		preflight, err := client.Logical().Read("sys/internal/ui/mounts/go/moved/a")
		must(t, err)
		equal(t, "path", preflight.Data["path"], interface{}("go/moved/"))
		equal(t, "options", preflight.Data["options"], interface{}(map[string]interface{}{"version": "2"}))
		refused(t, client.Sys().Remount("cubbyhole", "go/other"), 400, "cannot remount")
		must(t, client.Sys().Unmount("go/moved"))

		auths, err := client.Sys().ListAuth()
		must(t, err)
		equal(t, "type", auths["token/"].Type, "token")
		must(t, client.Sys().TuneMount("auth/token", api.MountConfigInput{MaxLeaseTTL: "700h"}))
		made, err := client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "9000h"})
		must(t, err)
		equal(t, "ttl within the mount's", made.Auth.LeaseDuration, 700*3600)
		must(t, client.Sys().TuneMount("auth/token", api.MountConfigInput{MaxLeaseTTL: "768h"}))
		refused(t, client.Sys().EnableAuthWithOptions("go", &api.EnableAuthOptions{Type: "no-such-method"}), 400, "unknown backend type")
		refused(t, client.Sys().DisableAuth("token"), 400, "cannot be disabled")
	})

	run("HelpAndSpecification", func(t *testing.T) {
		help, err := client.Help("secret/data/any")
		must(t, err)
		if !strings.Contains(help.Help, "data/{path...}") {
			t.Fatal("help: ", help.Help)
		}
		specs, err := client.Logical().ReadRaw("sys/internal/specs/openapi")
		must(t, err)
		defer specs.Body.Close()
		var document struct {
			OpenAPI string                 `json:"openapi"`
			Paths   map[string]interface{} `json:"paths"`
		}
		must(t, json.NewDecoder(specs.Body).Decode(&document))
		equal(t, "version", document.OpenAPI, "3.0.2")
		for _, path := range []string{"/secret/data/{path}", "/sys/mounts/{path}", "/auth/token/create"} {
			if document.Paths[path] == nil {
				t.Fatal("not in the document: ", path)
			}
		}
	})

	run("IgnoredFieldsAreWarnedOf", func(t *testing.T) {
		secret, err := client.Logical().Write("secret/data/go/odd", map[string]interface{}{"data": map[string]interface{}{}, "odd": 1, "path": "x"})
		must(t, err)
		equal(t, "warnings", secret.Warnings, []string{"Endpoint ignored these unrecognized parameters: [odd]",
			"Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]"})
	})

	run("ResponseWrapping", func(t *testing.T) {
		path := "secret/data/" + freshPath(t, client, 1)
		wrapping := newClient(t, client.Token())
		wrapping.SetWrappingLookupFunc(func(string, string) string { return "5m" })
		wrap := func() string {
			secret, err := wrapping.Logical().Read(path)
			must(t, err)
			equal(t, "ttl", secret.WrapInfo.TTL, 300)
			equal(t, "creation path", secret.WrapInfo.CreationPath, path)
			if secret.Data != nil || secret.WrapInfo.Token == "" || secret.WrapInfo.Accessor == "" || secret.WrapInfo.CreationTime.IsZero() {
				t.Fatal("not wrapped: ", secret.WrapInfo)
			}
			return secret.WrapInfo.Token
		}
		unwraps := func(own *api.Client, token string) {
			t.Helper()
			secret, err := own.Logical().Unwrap(token)
			must(t, err)
			equal(t, "content", secret.Data["data"], interface{}(map[string]interface{}{"version": "1"}))
			_, err = newClient(t, client.Token()).Logical().Unwrap(token)
			refused(t, err, 400, "wrapping token is not valid or does not exist")
		}
		unwraps(client, wrap())
		bare := newClient(t, "")
		bare.ClearToken()
		unwraps(bare, wrap())
		token := wrap()
		unwraps(newClient(t, token), "")

		token = wrap()
		looked, err := bare.Logical().Write("sys/wrapping/lookup", map[string]interface{}{"token": token})
		must(t, err)
		equal(t, "creation path", looked.Data["creation_path"], interface{}(path))
		moved, err := client.Logical().Write("sys/wrapping/rewrap", map[string]interface{}{"token": token})
		must(t, err)
		equal(t, "creation path", moved.WrapInfo.CreationPath, path)
		_, err = client.Logical().Unwrap(token)
		refused(t, err, 400, "wrapping token is not valid or does not exist")
		unwraps(client, moved.WrapInfo.Token)

		made, err := wrapping.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "1h"})
		must(t, err)
		equal(t, "auth", made.Auth, (*api.SecretAuth)(nil))
		inner, err := client.Logical().Unwrap(made.WrapInfo.Token)
		must(t, err)
		equal(t, "accessor", inner.Auth.Accessor, made.WrapInfo.WrappedAccessor)
		_, err = newClient(t, inner.Auth.ClientToken).Auth().Token().LookupSelf()
		must(t, err)

		given, err := wrapping.Logical().Write("sys/wrapping/wrap", map[string]interface{}{"a": "b"})
		must(t, err)
		_, err = newClient(t, given.WrapInfo.Token).Auth().Token().LookupSelf()
		refused(t, err, 403, "permission denied")
		_, err = client.Logical().Unwrap(given.WrapInfo.Token)
		refused(t, err, 400, "wrapping token is not valid or does not exist")
		missing, err := wrapping.Logical().Read("secret/data/go/not-there")
		must(t, err)
		if missing != nil {
			t.Fatal("wrapped what is not there: ", missing.WrapInfo)
		}
		byDefault, err := client.Logical().Write("sys/wrapping/wrap", map[string]interface{}{"a": "b"})
		must(t, err)
		equal(t, "ttl of the client's choice", byDefault.WrapInfo.TTL, 300)
	})

	run("ForgedToken", func(t *testing.T) {
		_, err := newClient(t, "hvs."+strings.Repeat("A", 90)).KVv2("secret").Get(ctx, "database/creds")
		refused(t, err, 403, "permission denied")
	})

	run("BearerToken", func(t *testing.T) {
		other := newClient(t, "")
		other.ClearToken()
		other.SetHeaders(http.Header{"Authorization": {"Bearer " + client.Token()}})
		secret, err := other.KVv2("secret").Get(ctx, "database/creds")
		must(t, err)
		equal(t, "username", secret.Data["username"], interface{}("app"))
	})

	if fresh {
		run("SealAndUnseal", func(t *testing.T) {
			must(t, client.Sys().Seal())
			_, err := kv.Get(ctx, "database/creds")
			refused(t, err, 503, "sealed")
			health, err := client.Sys().Health()
			must(t, err)
			equal(t, "sealed", health.Sealed, true)
			for _, key := range keys[1:] {
				_, err = client.Sys().Unseal(key)
				must(t, err)
			}
			secret, err := kv.Get(ctx, "database/creds")
			must(t, err)
			equal(t, "username", secret.Data["username"], interface{}("app"))
		})
		run("Snapshot", func(t *testing.T) {
			_, err := kv.Put(ctx, "go/snapshot", map[string]interface{}{"value": "old"})
			must(t, err)
			var snapshot bytes.Buffer
			must(t, client.Sys().RaftSnapshot(&snapshot))
			_, err = kv.Put(ctx, "go/snapshot", map[string]interface{}{"value": "new"})
			must(t, err)
			damaged := slices.Clone(snapshot.Bytes())
			damaged[len(damaged)/2] ^= 1
			refused(t, client.Sys().RaftSnapshotRestore(bytes.NewReader(damaged), false), 400, "snapshot is damaged")
			secret, err := kv.Get(ctx, "go/snapshot")
			must(t, err)
			equal(t, "value", secret.Data["value"], interface{}("new"))
			must(t, client.Sys().RaftSnapshotRestore(io.MultiReader(&snapshot), false))
			_, err = kv.Get(ctx, "go/snapshot")
			refused(t, err, 403, "permission denied")
			health, err := client.Sys().Health()
			must(t, err)
			equal(t, "sealed", health.Sealed, false)
		})
	}
}
