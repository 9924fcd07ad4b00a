"""Archives that nobody vouches for."""

import io
import re
import stat
import tarfile
import zipfile

import pytest

from lepton_rl.data import DataError, load
from lepton_rl.data.sets.archives import unpack
from tests.lepton_rl.hostile import packed


def tarred(path, name, **fields):
    with tarfile.open(path, "w:gz") as bundle:
        good, member = tarfile.TarInfo("good.txt"), tarfile.TarInfo(name)
        good.size = member.size = 4
        for key, value in fields.items():
            setattr(member, key, value)
        bundle.addfile(good, io.BytesIO(b"1 2\n"))
        bundle.addfile(member, io.BytesIO(b"1 2\n"))


def zipped(path, name, mode=0):
    with zipfile.ZipFile(path, "w") as bundle:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        bundle.writestr(member, "1 2\n")


HOSTILE = {
    "up.tar.gz": lambda path: tarred(path, "../evil.txt"),
    "root.tar.gz": lambda path: tarred(path, str(path.parent / "evil.txt")),
    "link.tar.gz": lambda path: tarred(path, "evil.txt", type=tarfile.SYMTYPE, linkname="/etc", size=0),
    "hard.tar.gz": lambda path: tarred(path, "evil.txt", type=tarfile.LNKTYPE, linkname="good.txt", size=0),
    "pipe.tar.gz": lambda path: tarred(path, "evil.txt", type=tarfile.FIFOTYPE, size=0),
    "up.zip": lambda path: zipped(path, "a/../../evil.txt"),
    "root.zip": lambda path: zipped(path, str(path.parent / "evil.txt")),
    "link.zip": lambda path: zipped(path, "evil.txt", stat.S_IFLNK | 0o777),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_an_archive_that_leaves_its_folder_or_links_is_refused(tmp_path, name):
    file = tmp_path / name
    HOSTILE[name](file)
    with pytest.raises(DataError, match=r"lies outside its folder|a link or device"):
        load(file)
    assert [path.name for path in tmp_path.rglob("*")] == [name]


@pytest.mark.parametrize("suffix", ["zip", "tar.gz"])
def test_what_unpacks_to_too_much_is_stopped(tmp_path, suffix):
    file, folder = tmp_path / f"bomb.{suffix}", tmp_path / "out"
    folder.mkdir()
    bomb = bytes(20_000_000)
    if suffix == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("bomb.txt", bomb)
    else:
        file.write_bytes(packed({"bomb.txt": bomb}))
    assert file.stat().st_size < 50_000
    with pytest.raises(DataError, match="unpacks to more than 1,000,000 bytes"):
        unpack(file, folder, limit=1_000_000)
    assert (folder / "bomb.txt").stat().st_size < 1_100_000


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar.bz2"])
@pytest.mark.parametrize("data", [b"", b"none", b"\x1f\x8b\x08\x00broken", b"PK\x03\x04broken", b"BZh91AY&SYbroken"])
def test_damaged_archives_get_one_line(tmp_path, name, data):
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(str(file))) as caught:
        load(file)
    assert "\n" not in str(caught.value)


def test_a_truncated_archive_gets_one_line(tmp_path):
    file = tmp_path / "x.tar.bz2"
    whole = packed({"x/out.x": b"".join(b"%d %d\n" % (i, i * i % 997) for i in range(20_000))})
    for part in (0.1, 0.5, 0.9):
        file.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(DataError, match=r"damaged|cannot be unpacked"):
            load(file)
