"""Each package in a folder: what its code includes is in it, its tests are not, and nothing in it is large."""

import re
import sys
import tarfile
from pathlib import Path, PurePosixPath

LARGEST = 1_000_000
checked = 0
for crate in sorted(Path(sys.argv[1]).glob("*.crate")):
    with tarfile.open(crate) as archive:
        members = {PurePosixPath(*PurePosixPath(it.name).parts[1:]): it for it in archive.getmembers()}
        assert crate.stat().st_size < LARGEST, f"{crate.name}: {crate.stat().st_size} bytes"
        for path, member in members.items():
            assert member.isfile(), f"{crate.name}: {path} is no file"
            assert path.parts[0] not in ("tests", "target"), f"{crate.name}: {path}"
            if path.suffix != ".rs":
                continue
            # What only a package's own tests include need not come along.
            text = archive.extractfile(member).read().decode().split("#[cfg(test)]\nmod tests {")[0]
            for name in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', text):
                parts = []
                for part in (path.parent / name).parts:
                    parts = parts[:-1] if part == ".." and parts else [*parts, part]
                assert PurePosixPath(*parts) in members, f"{crate.name}: {path} includes {name}, which is not in it"
                checked += 1
        for name in re.findall(r'^readme = "([^"]+)"', archive.extractfile(members[PurePosixPath("Cargo.toml")]).read().decode(), re.M):
            assert PurePosixPath(name) in members, f"{crate.name} has no {name}"
        if crate.name.startswith("watch-template-"):
            # Its build looks for it (build.rs).
            assert members[PurePosixPath("template.yaml")].size > 10_000, "the template is not in its package"
    print(f"{crate.name}: {len(members)} files, {crate.stat().st_size // 1024} KB")
assert checked >= 5, checked
