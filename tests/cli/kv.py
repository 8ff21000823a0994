"""kv: secrets with versions, in the shapes of Vault's output."""

import json
import re

from keyhold_cli import Cli
from keyhold_server import Server


def check(report):
    with Server.dev() as server, Cli(server, "root") as cli:
        with report.case("kv put and get print what Vault's do"):
            put = cli.expect("kv", "put", "secret/app", "username=app", "password=-", stdin="correct horse")
            assert put.out.startswith("= Secret Path =\nsecret/data/app\n\n======= Metadata =======\nKey                Value\n"), put
            got = cli.expect("kv", "get", "secret/app")
            assert re.fullmatch(
                r"= Secret Path =\nsecret/data/app\n\n=+ Metadata =+\nKey +Value\n--- +-----\n(.+\n)+\n"
                r"====== Data ======\nKey         Value\n---         -----\npassword    correct horse\nusername    app\n", got.out), got
            assert re.search(r"^deletion_time +n/a$", got.out, re.M) and re.search(r"^custom_metadata +<nil>$", got.out, re.M), got
            assert re.search(r"^version +1$", got.out, re.M) and re.search(r"^destroyed +false$", got.out, re.M), got

        with report.case("kv get -field, -format, -version, -mount and forms of the path"):
            cli.expect("kv", "get", "-field=password", "secret/app", out="correct horse")
            cli.expect("kv", "get", "secret/app", "-field", "password", out="correct horse")
            cli.expect("kv", "get", "--field=password", "-mount=secret", "app", out="correct horse")
            cli.expect("kv", "get", "-field=password", "/secret/app/", out="correct horse")
            data = json.loads(cli.expect("kv", "get", "-format=json", "secret/app").out)["data"]
            assert data["data"] == {"username": "app", "password": "correct horse"} and data["metadata"]["version"] == 1, data
            cli.expect("kv", "put", "secret/app", "username=app", "password=new", out=re.compile(r"^version +2$", re.M))
            cli.expect("kv", "get", "-version=1", "-field=password", "secret/app", out="correct horse")
            cli.expect("kv", "get", "secret/none", code=2, out="", err="No value found at secret/data/none\n")
            cli.expect("kv", "get", "-field=none", "secret/app", code=1, out="", err="there is no field none here\n")

        with report.case("-cas"):
            cli.expect("kv", "put", "-cas=1", "secret/app", "a=b", code=2, err=re.compile("check-and-set"))
            cli.expect("kv", "put", "-cas=0", "secret/cas", "a=b")
            cli.expect("kv", "put", "-cas=0", "secret/cas", "a=b", code=2)

        with report.case("kv patch changes some keys, by either method"):
            cli.expect("kv", "put", "secret/p", "a=1", "b=2", "c=3")
            cli.expect("kv", "patch", "secret/p", "a=one", "-remove-data=c", out=re.compile(r"^version +2$", re.M))
            assert json.loads(cli.run("kv", "get", "-format=json", "secret/p").out)["data"]["data"] == {"a": "one", "b": "2"}
            cli.expect("kv", "patch", "-method=rw", "secret/p", "b=two", "-remove-data=a", out=re.compile(r"^version +3$", re.M))
            assert json.loads(cli.run("kv", "get", "-format=json", "secret/p").out)["data"]["data"] == {"b": "two"}
            cli.expect("kv", "patch", "secret/none", "a=1", code=2, err="No value found at secret/data/none\n")

        with report.case("kv list and scan"):
            cli.expect("kv", "put", "secret/team/db/one", "a=1")
            cli.expect("kv", "put", "secret/team/two", "a=1")
            cli.expect("kv", "list", "secret/team", out="Keys\n----\ndb/\ntwo\n")
            cli.expect("kv", "list", "-mount=secret", "team", out="Keys\n----\ndb/\ntwo\n")
            cli.expect("kv", "scan", "secret/team", out="Keys\n----\ndb/one\ntwo\n")
            cli.expect("kv", "list", "-format=json", "secret/team", out='[\n  "db/",\n  "two"\n]\n')
            cli.expect("kv", "list", "secret/nothing", code=2, err="No value found at secret/metadata/nothing/\n")

        with report.case("kv delete, undelete, destroy and rollback"):
            cli.expect("kv", "put", "secret/d", "v=1")
            cli.expect("kv", "put", "secret/d", "v=2")
            cli.expect("kv", "delete", "secret/d", out="Success! Data deleted (if it existed) at: secret/data/d\n")
            gone = cli.expect("kv", "get", "secret/d")
            assert "Metadata" in gone.out and "Data ==" not in gone.out.replace("Metadata =", ""), gone
            cli.expect("kv", "get", "-field=v", "secret/d", code=2, err="No data found at secret/data/d\n")
            cli.expect("kv", "undelete", "-versions=2", "secret/d", out="Success! Data written to: secret/undelete/d\n")
            cli.expect("kv", "get", "-field=v", "secret/d", out="2")
            cli.expect("kv", "rollback", "-version=1", "secret/d", out=re.compile(r"^version +3$", re.M))
            cli.expect("kv", "get", "-field=v", "secret/d", out="1")
            cli.expect("kv", "delete", "-versions=1,2", "secret/d", out="Success! Data deleted (if it existed) at: secret/delete/d\n")
            cli.expect("kv", "destroy", "-versions=1", "secret/d", out="Success! Data written to: secret/destroy/d\n")
            versions = json.loads(cli.run("kv", "metadata", "get", "-format=json", "secret/d").out)["data"]["versions"]
            assert versions["1"]["destroyed"] and versions["2"]["deletion_time"] and not versions["3"]["deletion_time"], versions
            cli.expect("kv", "destroy", "secret/d", code=1, err="say which versions: -versions=1,2\n")
            cli.expect("kv", "destroy", "-versions=x", "secret/d", code=1, err="-versions is a list of numbers: -versions=1,2\n")

        with report.case("kv metadata"):
            cli.expect("kv", "metadata", "put", "-max-versions=3", "-custom-metadata=team=payments", "-custom-metadata=tier=1", "-cas-required",
                       "-delete-version-after=24h", "-owner=ada", "secret/m", out="Success! Data written to: secret/metadata/m\n")
            cli.expect("kv", "metadata", "patch", "-remove-custom-metadata=tier", "-cas-required=false", "secret/m")
            cli.expect("kv", "put", "secret/m", "a=1")
            shown = cli.expect("kv", "metadata", "get", "secret/m").out
            assert re.match(r"= Metadata Path =\nsecret/metadata/m\n\n=+ Metadata =+\nKey ", shown), shown
            for line in (r"custom_metadata +map\[team:payments\]", r"max_versions +3", r"cas_required +false", r"delete_version_after +24h0m0s", r"owner +ada"):
                assert re.search(f"^{line}$", shown, re.M), f"{line}\n{shown}"
            assert re.search(r"\n\n====== Version 1 ======\nKey +Value\n", shown), shown
            cli.expect("kv", "metadata", "delete", "secret/m", out="Success! Data deleted (if it existed) at: secret/metadata/m\n")
            cli.expect("kv", "metadata", "get", "secret/m", code=2, err="No value found at secret/metadata/m\n")

        with report.case("engines of version 1"):
            cli.expect("secrets", "enable", "-path=old", "-version=1", "kv", out="Success! Enabled the kv secrets engine at: old/\n")
            cli.expect("kv", "put", "old/a/b", "k=v", out="Success! Data written to: old/a/b\n")
            cli.expect("kv", "get", "old/a/b", out="== Data ==\nKey    Value\n---    -----\nk      v\n")
            cli.expect("kv", "get", "-field=k", "old/a/b", out="v")
            cli.expect("kv", "list", "old", out="Keys\n----\na/\n")
            cli.expect("kv", "list", "old/a", out="Keys\n----\nb\n")
            cli.expect("kv", "delete", "old/a/b", out="Success! Data deleted (if it existed) at: old/a/b\n")
            cli.expect("kv", "get", "old/a/b", code=2, err="No value found at old/a/b\n")
            cli.expect("kv", "undelete", "-versions=1", "old/a/b", code=1, err=re.compile("keeps no versions: `keyhold kv enable-versioning old/`"))
            cli.expect("kv", "metadata", "get", "old/a/b", code=1, err=re.compile("version 1"))

        with report.case("output-curl-string of kv asks where the mount is, and sends nothing else"):
            cli.expect("kv", "put", "-output-curl-string", "secret/dry", "a=1", out=re.compile(r"-d '\{\"data\":\{\"a\":\"1\"\},\"options\":\{\}\}' '.*/v1/secret/data/dry'$", re.M))
            cli.expect("kv", "get", "-output-policy", "secret/dry", out='path "secret/data/dry" {\n  capabilities = ["read"]\n}\n')
            cli.expect("kv", "get", "secret/dry", code=2)
