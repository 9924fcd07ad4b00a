"""The table of named data sets: what each is, whose it is, where it comes from and how it is loaded.

A SHA-256 stands here only for bytes that were at hand when it was written, under an address that serves those bytes
for good (a commit). Files without one are unverified: their hash is recorded when they are first downloaded. Counts,
too, stand only where they were counted.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["NAMED", "DataSet", "RemoteFile"]


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set: its name in the cache, its address, and the hash of its bytes where known."""

    name: str
    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class DataSet:
    """A record of one data set, or of a family of them (``topohub/sndlib`` stands for ``topohub/sndlib/…``)."""

    name: str
    kind: Literal["graph", "knowledge"]
    """Loaded as a NamedGraph; or as a KnowledgeGraph or TripleSplits."""
    what: str
    """One line for tables."""
    licence: str
    """Of code and data, as far as their homes state it."""
    citation: str
    """Whom to cite."""
    source: str
    """The package or the page it comes from."""
    loader: str
    """Import string of a function: name -> data; of a set with files: folder -> data."""
    counts: tuple[int, ...] = ()
    """Nodes and edges, or entities, relations and facts; empty where not counted."""
    files: tuple[RemoteFile, ...] = ()
    """What is downloaded."""
    limit: int = 0
    """Bytes that a download of one file may have."""
    family: bool = False
    """Names of members follow after a slash."""

    @property
    def size(self) -> str:
        """The counts in words."""
        of = ("nodes", "edges") if self.kind == "graph" else ("entities", "relations", "facts")
        return ", ".join(f"{count:,} {word}" for count, word in zip(self.counts, of, strict=False))

    @property
    def trust(self) -> Literal["installed", "verified", "unverified"]:
        """Part of an installed package; downloaded with a known hash of every file; or downloaded without."""
        if not self.files:
            return "installed"
        return "verified" if all(file.sha256 for file in self.files) else "unverified"


def _splits(base: str, *hashes: str) -> tuple[RemoteFile, ...]:
    """The three files of a knowledge graph, ``hashes`` in their order."""
    names = ("train.txt", "valid.txt", "test.txt")
    return tuple(RemoteFile(n, f"{base}/{n}", h) for n, h in zip(names, hashes or (None, None, None), strict=True))


_SOCIAL = "lepton_rl.data.sets.bundled:social"
_TOPOLOGY = "lepton_rl.data.sets.topologies:topology"
_FOLDER = "lepton_rl.data.sets.folders:read_folder"
_NETWORKX = "networkx: BSD-3-Clause; published in the work cited"
_TOPO = "topohub (extra: topologies)"
_TOPOHUB = "topohub: MIT; the terms of the source hold"
_PYKEEN = "https://raw.githubusercontent.com/pykeen/pykeen/05c7bbb20c95/src/pykeen/datasets"
_PYKEEN_LICENCE = "repository: MIT; none stated for the data"
_ROTATE = "https://raw.githubusercontent.com/DeepGraphLearning/KnowledgeGraphEmbedding/2e440e0f9c687314d5ff67ead68ce985dc446e3a/data"
_CODEX = "https://raw.githubusercontent.com/tsafavi/codex/3132e426c2a6b643b70bad679905a3a6270be440/data/triples"
_SNAP = "https://snap.stanford.edu/data"
_SNAP_LICENCE = "none stated; SNAP asks to be cited"
_KONECT = "http://konect.cc/files"
_KONECT_LICENCE = "none stated; the terms of the source hold"
_MB = 1_000_000

_ENTRIES = (
    DataSet(
        "karate", "graph", "members of a karate club who met outside it", _NETWORKX,
        "Zachary 1977, J. Anthropological Research 33", "networkx", _SOCIAL, (34, 78),
    ),
    DataSet(
        "les_miserables", "graph", "characters who appear together in Les Misérables", _NETWORKX,
        "Knuth 1993, The Stanford GraphBase", "networkx", _SOCIAL, (77, 254),
    ),
    DataSet(
        "florentine", "graph", "marriages between Florentine families", _NETWORKX,
        "Breiger & Pattison 1986, Social Networks 8", "networkx", _SOCIAL, (15, 20),
    ),
    DataSet(
        "davis", "graph", "women and the events they attended; both are plain nodes here", _NETWORKX,
        "Davis, Gardner & Gardner 1941, Deep South", "networkx", _SOCIAL, (32, 89),
    ),
    DataSet(
        "world", "knowledge", "countries: borders, regions, languages, currencies, capitals, time zones",
        "countryinfo: MIT", "countryinfo, https://github.com/porimol/countryinfo", "countryinfo",
        "lepton_rl.data.sets.world:world", (829, 8, 2_276),
    ),
    DataSet(
        "topohub/sndlib", "graph", "telecommunication networks of SNDlib; links weigh their length in km", _TOPOHUB,
        "Orlowski et al. 2010, Networks 55; Jurkiewicz 2023, SoftwareX 24", _TOPO, _TOPOLOGY, family=True,
    ),
    DataSet(
        "topohub/topozoo", "graph", "provider networks of the Internet Topology Zoo; weights in km", _TOPOHUB,
        "Knight et al. 2011, IEEE J. Sel. Areas Commun. 29; Jurkiewicz 2023, SoftwareX 24", _TOPO, _TOPOLOGY,
        family=True,
    ),
    DataSet(
        "topohub/backbone", "graph", "optical backbones of continents, with and without sea cables; weights in km",
        _TOPOHUB, "Jurkiewicz 2023, SoftwareX 24", _TOPO, _TOPOLOGY, family=True,
    ),
    DataSet(
        "topohub/caida", "graph", "networks of single autonomous systems, by CAIDA; weights in km", _TOPOHUB,
        "CAIDA; Jurkiewicz 2023, SoftwareX 24", _TOPO, _TOPOLOGY, family=True,
    ),
    DataSet(
        "topohub/gabriel", "graph", "random Gabriel graphs like long-haul networks; weights in km", _TOPOHUB,
        "Jurkiewicz 2023, SoftwareX 24", _TOPO, _TOPOLOGY, family=True,
    ),
    DataSet(
        "umls", "knowledge", "relations between biomedical concepts", _PYKEEN_LICENCE,
        "McCray 2003; Kok & Domingos 2007, ICML", "https://github.com/pykeen/pykeen", _FOLDER, (135, 46, 6_529),
        _splits(
            f"{_PYKEEN}/umls",
            "873ef4925516b83e7f6f8cc02b4be51d848828710a7f65a956f0ac4a9e452f35",
            "025c98f8a4891e2a6582ec5b40ee0d904031edad9c52554522f4b7904820c98e",
            "a7eb529a3d2810fcc96341ccc97c625a5e202f8389673aa6bd317eeebbb79014",
        ), 1 * _MB,
    ),
    DataSet(
        "kinship", "knowledge", "kinship terms among the Alyawarra", _PYKEEN_LICENCE,
        "Denham 1973; Kemp et al. 2006, AAAI", "https://github.com/pykeen/pykeen", _FOLDER, (104, 25, 10_686),
        _splits(
            f"{_PYKEEN}/kinships",
            "738612111a6acf0e39662bde24c7e72a4d1edf20931beea077da367dda689731",
            "c56f8630a583178b1e569f11a64aa535ae1ce0b0912d8b1e24716be2b37f04da",
            "05e5733265761d55be9c05bfaff5a8d0808df46f9c1e9d66cc3f2fe114e43d88",
        ), 1 * _MB,
    ),
    DataSet(
        "nations", "knowledge", "relations between 14 nations, 1950–1965", _PYKEEN_LICENCE,
        "Rummel 1999; Kemp et al. 2006, AAAI", "https://github.com/pykeen/pykeen", _FOLDER, (14, 55, 1_992),
        _splits(
            f"{_PYKEEN}/nations",
            "0830fa9da8e5bba2ccdaa45b7bdc9130451ba66b09ff2708f35fccaf82473e57",
            "2b337a62e51a2f45c283eac98a70d21b7e0e102136be1539b2a52c652a7b0530",
            "3971085165b47b6aeaec68058c6d8d98b3005e929db81268410b95ae4db770ab",
        ), 1 * _MB,
    ),
    DataSet(
        "wn18rr", "knowledge", "WordNet without inverse relations", "repository: MIT; WordNet 3.0 licence",
        "Dettmers et al. 2018, AAAI", "https://github.com/DeepGraphLearning/KnowledgeGraphEmbedding", _FOLDER,
        (40_943, 11, 93_003),
        _splits(
            f"{_ROTATE}/wn18rr",
            "038612e783c215ee5f3ca9fbfca27b8d0739be1028fe4ee7c174aecf0b83d5df",
            "453ce7202afa58094a04d2b1560ee2b02660f1c260b32ce6651c8ccedd1028ab",
            "0383bceaaa1096cf3c03ec021ed0048068e2355dbfc0239b292cefdac821cec5",
        ), 8 * _MB,
    ),
    DataSet(
        "fb15k-237", "knowledge", "Freebase without inverse relations", "repository: MIT; Freebase: CC BY 2.5",
        "Toutanova & Chen 2015, CVSC", "https://github.com/DeepGraphLearning/KnowledgeGraphEmbedding", _FOLDER,
        files=_splits(f"{_ROTATE}/FB15k-237"), limit=50 * _MB,
    ),
    DataSet(
        "codex-s", "knowledge", "CoDEx, small: a part of Wikidata", "repository: MIT; Wikidata: CC0",
        "Safavi & Koutra 2020, EMNLP", "https://github.com/tsafavi/codex", _FOLDER, (2_034, 42, 36_543),
        _splits(
            f"{_CODEX}/codex-s",
            "64f93b7f314f3936a6f65739721429db3f6a7c8f5a1e1104ec3bb544f7434f59",
            "3831c0e57daef03c3a18cdd1a72e370b496f696c5218883d35c7d2ab8a6a772c",
            "27127fcb34688c4778e88a39ef3c9b540807da846021e9d9685660ac1838aca1",
        ), 2 * _MB,
    ),
    DataSet(
        "codex-m", "knowledge", "CoDEx, medium: a part of Wikidata", "repository: MIT; Wikidata: CC0",
        "Safavi & Koutra 2020, EMNLP", "https://github.com/tsafavi/codex", _FOLDER,
        files=_splits(f"{_CODEX}/codex-m"), limit=20 * _MB,
    ),
    DataSet(
        "ego-facebook", "graph", "friendships around ten users of Facebook", _SNAP_LICENCE,
        "McAuley & Leskovec 2012, NIPS", f"{_SNAP}/ego-Facebook.html", _FOLDER,
        files=(RemoteFile("facebook_combined.txt.gz", f"{_SNAP}/facebook_combined.txt.gz"),), limit=4 * _MB,
    ),
    DataSet(
        "ca-grqc", "graph", "co-authors in general relativity on arXiv", _SNAP_LICENCE,
        "Leskovec, Kleinberg & Faloutsos 2007, ACM TKDD 1", f"{_SNAP}/ca-GrQc.html", _FOLDER,
        files=(RemoteFile("ca-GrQc.txt.gz", f"{_SNAP}/ca-GrQc.txt.gz"),), limit=4 * _MB,
    ),
    DataSet(
        "p2p-gnutella08", "graph", "connections between Gnutella hosts, their directions left out", _SNAP_LICENCE,
        "Ripeanu, Foster & Iamnitchi 2002, IEEE Internet Computing 6", f"{_SNAP}/p2p-Gnutella08.html", _FOLDER,
        files=(RemoteFile("p2p-Gnutella08.txt.gz", f"{_SNAP}/p2p-Gnutella08.txt.gz"),), limit=4 * _MB,
    ),
    DataSet(
        "opsahl-ucsocial", "graph", "messages between students online, their directions left out", _KONECT_LICENCE,
        "Opsahl & Panzarasa 2009, Social Networks 31; Kunegis 2013 (KONECT)",
        "http://konect.cc/networks/opsahl-ucsocial", _FOLDER,
        files=(RemoteFile("opsahl-ucsocial.tar.bz2", f"{_KONECT}/download.tsv.opsahl-ucsocial.tar.bz2"),),
        limit=4 * _MB,
    ),
    DataSet(
        "moreno-propro", "graph", "protein interactions in yeast", _KONECT_LICENCE,
        "Coulomb et al. 2005, Proc. R. Soc. B 272; Kunegis 2013 (KONECT)",
        "http://konect.cc/networks/moreno_propro", _FOLDER,
        files=(RemoteFile("moreno_propro.tar.bz2", f"{_KONECT}/download.tsv.moreno_propro.tar.bz2"),),
        limit=4 * _MB,
    ),
)  # fmt: skip

NAMED: dict[str, DataSet] = {entry.name: entry for entry in _ENTRIES}
