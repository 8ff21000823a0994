package conformance

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

type fields = map[string]interface{}

// What the client's helpers for key/value secrets need, beside the simplest: see client_test.go.
func keyValueCases(run func(string, func(*testing.T)), client *api.Client) {
	kv := client.KVv2("secret")
	read := func(t *testing.T, path string) fields {
		t.Helper()
		secret, err := kv.Get(ctx, path)
		must(t, err)
		return secret.Data
	}

	run("Patch", func(t *testing.T) {
		path := freshPath(t, client, 0)
		_, err := kv.Patch(ctx, path, fields{"a": "b"})
		if !errors.Is(err, api.ErrSecretNotFound) {
			t.Fatal("patched what is not there: ", err)
		}
		_, err = kv.Put(ctx, path, fields{"keep": json.Number("12345678901234567890123"), "drop": "x", "deep": fields{"a": "1", "b": "2"}})
		must(t, err)
		for _, method := range []string{"patch", "rw"} {
			_, err = kv.Patch(ctx, path, fields{"added by " + method: true}, api.WithMergeMethod(method))
			must(t, err)
		}
		secret, err := kv.Patch(ctx, path, fields{"drop": nil, "deep": fields{"a": nil}}, api.WithCheckAndSet(3))
		must(t, err)
		equal(t, "version", secret.VersionMetadata.Version, 4)
		equal(t, "content", read(t, path), fields{"keep": json.Number("12345678901234567890123"), "deep": fields{"b": "2"},
			"added by patch": true, "added by rw": true})
		_, err = kv.Patch(ctx, path, fields{"a": "b"}, api.WithMergeMethod("patch"), api.WithCheckAndSet(3))
		refused(t, err, 400, "check-and-set parameter did not match the current version")
		must(t, kv.Delete(ctx, path))
		_, err = kv.Patch(ctx, path, fields{"a": "b"}, api.WithMergeMethod("patch"))
		if err == nil {
			t.Fatal("patched a deleted version")
		}
	})

	run("Rollback", func(t *testing.T) {
		path := freshPath(t, client, 3)
		secret, err := kv.Rollback(ctx, path, 1)
		must(t, err)
		equal(t, "version", secret.VersionMetadata.Version, 4)
		equal(t, "content", read(t, path), fields{"version": "1"})
	})

	run("CasRace", func(t *testing.T) {
		path := freshPath(t, client, 0)
		for version := 0; version < 5; version++ {
			answers := make(chan error, 50)
			for racer := 0; racer < cap(answers); racer++ {
				go func(patches bool) {
					var err error
					if patches {
						_, err = kv.Patch(ctx, path, fields{"by": "patch"}, api.WithMergeMethod("patch"), api.WithCheckAndSet(version))
					} else {
						_, err = kv.Put(ctx, path, fields{"by": "put"}, api.WithCheckAndSet(version))
					}
					answers <- err
				}(version > 0 && racer%2 == 0)
			}
			winners := 0
			for racer := 0; racer < cap(answers); racer++ {
				if err := <-answers; err == nil {
					winners++
				} else {
					refused(t, err, 400, "check-and-set parameter did not match the current version")
				}
			}
			equal(t, "winners", winners, 1)
		}
	})

	run("Metadata", func(t *testing.T) {
		path := freshPath(t, client, 0)
		must(t, kv.PutMetadata(ctx, path, api.KVMetadataPutInput{
			MaxVersions: 2, CASRequired: true, DeleteVersionAfter: time.Hour, CustomMetadata: fields{"team": "a", "tier": "1"}}))
		metadata, err := kv.GetMetadata(ctx, path)
		must(t, err)
		equal(t, "max versions", metadata.MaxVersions, 2)
		equal(t, "cas required", metadata.CASRequired, true)
		equal(t, "delete after", metadata.DeleteVersionAfter, time.Hour)
		equal(t, "custom", metadata.CustomMetadata, fields{"team": "a", "tier": "1"})

		_, err = kv.Put(ctx, path, fields{})
		refused(t, err, 400, "check-and-set parameter required for this call")
		for version := 0; version < 3; version++ {
			_, err = kv.Put(ctx, path, fields{}, api.WithCheckAndSet(version))
			must(t, err)
		}
		secret, err := kv.Get(ctx, path)
		must(t, err)
		equal(t, "custom of a version", secret.CustomMetadata, fields{"team": "a", "tier": "1"})
		if left := time.Until(secret.VersionMetadata.DeletionTime); left < 50*time.Minute || left > time.Hour {
			t.Fatal("deletion in ", left)
		}
		versions, err := kv.GetVersionsAsList(ctx, path)
		must(t, err)
		equal(t, "kept", len(versions), 2)

		off, none := false, 0
		must(t, kv.PatchMetadata(ctx, path, api.KVMetadataPatchInput{
			CASRequired: &off, MaxVersions: &none, CustomMetadata: fields{"tier": nil, "added": "yes"}}))
		metadata, err = kv.GetMetadata(ctx, path)
		must(t, err)
		equal(t, "patched custom", metadata.CustomMetadata, fields{"team": "a", "added": "yes"})
		equal(t, "patched cas", metadata.CASRequired, false)
		equal(t, "delete after stays", metadata.DeleteVersionAfter, time.Hour)
		must(t, kv.PutMetadata(ctx, path, api.KVMetadataPutInput{}))
		metadata, err = kv.GetMetadata(ctx, path)
		must(t, err)
		equal(t, "replaced custom", len(metadata.CustomMetadata), 0)

		must(t, kv.DeleteMetadata(ctx, path))
		_, err = kv.GetMetadata(ctx, path)
		if !errors.Is(err, api.ErrSecretNotFound) {
			t.Fatal(err)
		}
	})

	run("Subkeys", func(t *testing.T) {
		path := freshPath(t, client, 0)
		_, err := kv.Put(ctx, path, fields{"a": "secret", "deep": fields{"b": fields{"c": 1}}})
		must(t, err)
		secret, err := client.Logical().ReadWithData("secret/subkeys/"+path, map[string][]string{"depth": {"2"}})
		must(t, err)
		equal(t, "subkeys", secret.Data["subkeys"], interface{}(fields{"a": nil, "deep": fields{"b": nil}}))
	})

	run("PagedList", func(t *testing.T) {
		for _, name := range []string{"paged/a", "paged/b/c", "paged/d"} {
			_, err := kv.Put(ctx, name, fields{})
			must(t, err)
		}
		secret, err := client.Logical().ReadWithData("secret/metadata/paged", map[string][]string{"list": {"true"}, "after": {"a"}, "limit": {"1"}})
		must(t, err)
		equal(t, "page", secret.Data["keys"], interface{}([]interface{}{"b/"}))
		secret, err = client.Logical().ReadWithData("secret/metadata/paged", map[string][]string{"scan": {"true"}})
		must(t, err)
		equal(t, "scan", secret.Data["keys"], interface{}([]interface{}{"a", "b/c", "d"}))
	})

	run("WrongPathWarns", func(t *testing.T) {
		secret, err := client.Logical().Read("secret/go/no-data-in-the-path")
		must(t, err)
		if secret == nil || len(secret.Warnings) != 1 {
			t.Fatal("no hint where secrets are: ", secret)
		}
	})

	run("EngineSettings", func(t *testing.T) {
		must(t, client.Sys().Mount("go-config", &api.MountInput{Type: "kv-v2"}))
		_, err := client.Logical().Write("go-config/config", fields{"max_versions": 1, "cas_required": true, "delete_version_after": "2h"})
		must(t, err)
		settings, err := client.Logical().Read("go-config/config")
		must(t, err)
		equal(t, "max versions", settings.Data["max_versions"], interface{}(json.Number("1")))
		equal(t, "delete after", settings.Data["delete_version_after"], interface{}("2h0m0s"))
		_, err = client.KVv2("go-config").Put(ctx, "a", fields{})
		refused(t, err, 400, "check-and-set parameter required for this call")
		must(t, client.Sys().Unmount("go-config"))
	})

	run("VersionOne", func(t *testing.T) {
		for _, mount := range []api.MountInput{{Type: "kv", Options: map[string]string{"version": "1"}}, {Type: "kv-v1"}, {Type: "kv"}, {Type: "generic"}} {
			must(t, client.Sys().Mount("go-v1", &mount))
			v1 := client.KVv1("go-v1")
			must(t, v1.Put(ctx, "a/b", fields{"n": json.Number("1.10"), "ttl": "1h"}))
			secret, err := v1.Get(ctx, "a/b")
			must(t, err)
			equal(t, "content", secret.Data, fields{"n": json.Number("1.10"), "ttl": "1h"})
			equal(t, "lease", secret.Raw.LeaseDuration, 3600)
			equal(t, "renewable", secret.Raw.Renewable, false)
			listed, err := client.Logical().List("go-v1/a")
			must(t, err)
			equal(t, "list", listed.Data["keys"], interface{}([]interface{}{"b"}))
			must(t, v1.Delete(ctx, "a/b"))
			_, err = v1.Get(ctx, "a/b")
			if !errors.Is(err, api.ErrSecretNotFound) {
				t.Fatal(err)
			}
			_, err = client.Logical().Write("go-v1/a/b", nil)
			refused(t, err, 400, "missing data fields")
			must(t, client.Sys().Unmount("go-v1"))
		}
	})

	run("Cubbyhole", func(t *testing.T) {
		created, err := client.Auth().Token().Create(&api.TokenCreateRequest{TTL: "1h"})
		must(t, err)
		other := newClient(t, created.Auth.ClientToken)
		_, err = client.Logical().Write("cubbyhole/go", fields{"mine": "yes"})
		must(t, err)
		_, err = other.Logical().Write("cubbyhole/go", fields{"mine": "no"})
		must(t, err)
		secret, err := client.Logical().Read("cubbyhole/go")
		must(t, err)
		equal(t, "own", secret.Data, fields{"mine": "yes"})
		_, err = client.Logical().Delete("cubbyhole/go")
		must(t, err)
		secret, err = other.Logical().Read("cubbyhole/go")
		must(t, err)
		equal(t, "the other's", secret.Data, fields{"mine": "no"})
		listed, err := client.Logical().List("cubbyhole")
		must(t, err)
		equal(t, "list", listed, nil)
		batch, err := client.Auth().Token().Create(&api.TokenCreateRequest{Type: "batch", TTL: "1h", Policies: []string{"default"}})
		must(t, err)
		_, err = newClient(t, batch.Auth.ClientToken).Logical().Write("cubbyhole/go", fields{"mine": "yes"})
		refused(t, err, 400, "only supported by \"service\" type tokens")
	})
}
