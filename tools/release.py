"""Parts of tools/release that a shell is no good at. Every output depends on its input alone, byte for byte."""

import gzip
import json
import os
import re
import sys
import tarfile
import time
import uuid
import zipfile
from pathlib import Path


def made_at():
    """The time of the commit."""
    return time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))


def pack(binary, archive):
    """A function as Lambda takes it: one executable named bootstrap."""
    entry = zipfile.ZipInfo("bootstrap", made_at()[:6])
    entry.external_attr = 0o100755 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(entry, Path(binary).read_bytes(), compresslevel=9)


def archive(folder, file):
    """A folder as a .tar.gz or .zip: files in order, of one owner and one time."""
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    assert paths, "an empty folder"
    named = [(path, f"{folder.name}/{path.relative_to(folder).as_posix()}") for path in paths]
    executable = lambda path: path.stem == "kms-watch" and path.suffix in ("", ".exe")
    if file.endswith(".zip"):
        with zipfile.ZipFile(file, "w") as out:
            for path, name in named:
                entry = zipfile.ZipInfo(name, made_at()[:6])
                entry.external_attr = (0o100755 if executable(path) else 0o100644) << 16
                entry.create_system = 3
                entry.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(entry, path.read_bytes(), compresslevel=9)
        return
    seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    with open(file, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=seconds) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as out:
            for path, name in named:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime = path.stat().st_size, seconds
                entry.mode = 0o755 if executable(path) else 0o644
                with open(path, "rb") as content:
                    out.addfile(entry, content)


def template(path, version):
    """template.yaml with its code in a bucket that is a parameter, so that nothing is built to deploy it."""
    text = Path(path).read_text(encoding="utf-8")
    text, count = re.subn(
        r"(?m)^      CodeUri: functions/(\S+)$",
        r"      CodeUri: { Bucket: !Ref CodeBucket, Key: !Sub '${CodePrefix}\1-${Architecture}.zip' }",
        text,
    )
    assert count, "no function"
    text = re.sub(r"(?m)^    Metadata:\n      BuildMethod: rust-cargolambda\n", "", text)
    text = text.replace("      - Label: { default: Who is told }\n", "      - Label: { default: The release }\n"
                        "        Parameters: [CodeBucket, CodePrefix]\n      - Label: { default: Who is told }\n", 1)
    parameters = f'''Parameters:
  CodeBucket:
    Type: String
    Description: A bucket of this Region that holds the zips of the release.
    AllowedPattern: ^[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]$
  CodePrefix:
    Type: String
    Default: kms-watch/{version}/
    Description: What the names of the zips begin with in the bucket.
    AllowedPattern: ^$|^[\\w./-]+/$
'''
    assert text.count("\nParameters:\n") == 1
    print(text.replace("\nParameters:\n", "\n" + parameters, 1), end="")


def deployed(metadata):
    """The packages that functions are built of: no tests, no build scripts' own."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    wanted = [i for i, p in packages.items() if "/functions/" in p["manifest_path"]]
    found = set()
    while wanted:
        one = wanted.pop()
        if one in found:
            continue
        found.add(one)
        wanted += [d["pkg"] for d in nodes[one]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
    return sorted((packages[i] for i in found), key=lambda p: (p["name"], p["version"]))


def materials(version, out):
    """The bill of materials (CycloneDX 1.6), and the licences with their texts as the packages carry them."""
    packages = deployed(json.load(sys.stdin))
    components, notices = [], []
    for package in packages:
        ours = package["source"] is None
        reference = f"pkg:cargo/{package['name']}@{package['version']}"
        component = {"type": "library", "bom-ref": reference, "name": package["name"], "version": package["version"], "purl": reference}
        if package["license"]:
            component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        components.append(component)
        if not ours:
            notices.append(f"{package['name']} {package['version']}: {package['license']}\n{package['repository'] or ''}")
            folder = Path(package["manifest_path"]).parent
            for file in sorted(folder.glob("*")):
                if re.match(r"(?i)(licen[cs]e|copying|notice|copyright)", file.name) and file.is_file():
                    notices.append(file.read_text(encoding="utf-8", errors="replace").strip())
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components))
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", made_at()),
                     "component": {"type": "application", "bom-ref": "kms-watch", "name": "kms-watch", "version": version}},
        "components": components,
    }
    Path(out, "kms-watch.cdx.json").write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    Path(out, "THIRD-PARTY-LICENCES.txt").write_text("\n\n".join(notices) + "\n", encoding="utf-8")


if __name__ == "__main__":
    {"zip": pack, "archive": archive, "template": template, "materials": materials}[sys.argv[1]](*sys.argv[2:])
