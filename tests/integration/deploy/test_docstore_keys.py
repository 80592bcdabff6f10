"""The document server's indexes: compared by value, and those of an older file laid anew."""

import subprocess
import sys
from pathlib import Path

from deploy.embedded.jars import ensure_jars
from deploy.embedded.stack import default_cache

LAY = """
import sys
import jpype
from deploy.embedded import docstore_keys, docstore_server

mode, file, jars = sys.argv[1], sys.argv[2], sys.argv[3:]
docstore_server.start_jvm(jars)
if mode == "new":
    docstore_keys.compare_keys_by_value()
mvstore = jpype.JClass("org.h2.mvstore.MVStore").Builder().fileName(file).autoCommitDisabled().open()
key_value, one = jpype.JClass("de.bwaldvogel.mongo.backend.KeyValue"), jpype.JClass("java.util.List").of
index = mvstore.openMap("tidemark.things._id_")
keys = [key_value(one(name)) for name in ("9", "10", "a", "", *(f"{n}" * (n % 7) for n in range(3000)))]
if mode == "old":
    for key in keys:
        index.put(key, str(key))
    mvstore.commit()
else:
    for _ in range(2):
        docstore_keys.lay_indexes_anew(mvstore)
    assert all(str(index.get(key)) == str(key) for key in keys), "a key is not found"
    in_order = [str(key.get(0)) for key in index.keySet()]
    assert in_order == sorted(in_order), "not in the order of the values"
    print(len(in_order), len({str(key) for key in keys}))
mvstore.close()
"""


def test_indexes_of_an_older_file_are_found_by_value(tmp_path: Path) -> None:
    jars = [str(jar) for jar in ensure_jars("docstore", default_cache())]
    file = str(tmp_path / "documents.mv")

    def lay(mode: str) -> str:
        command = [sys.executable, "-c", LAY, mode, file, *jars]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    lay("old")
    found, expected = lay("new").split()
    assert found == expected
