"""Countries of the world as a knowledge graph, from what the package countryinfo knows of them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from countryinfo import all_countries

from lepton_rl.data.knowledge import KnowledgeGraph
from lepton_rl.data.names import Names

__all__ = ["world"]

Country = Mapping[str, Any]
Fact = tuple[str, str, str]

_FORMER = ("ANT", "SCG")  # codes withdrawn in ISO 3166-3: Netherlands Antilles, Serbia and Montenegro
_MANY = {"languages": ("has_language", "language"), "currencies": ("has_currency", "currency")}
_NUMBERS = {"population": pa.int64(), "area": pa.float64()}


def world(name: str = "world") -> KnowledgeGraph:
    """Countries with their borders, regions, languages, currencies, capitals and time zones.

    * Relations: ``borders`` (both ways), ``in_region``, ``in_subregion``, ``part_of`` (subregion in region),
      ``has_language``, ``has_currency`` (by their codes), ``has_capital``, ``in_timezone``.
    * Entities: countries by their English names; ``entity_data`` has for each its ``kind`` and, for countries, ``iso``
      (alpha-3), ``population``, ``area`` in km², ``latitude`` and ``longitude``. A capital whose name is taken has
      its country with it ("Singapore, Singapore").

    What the package has inconsistent is mended or left out, and the report says how often. Equal versions of the
    package give equal graphs.
    """
    report: list[str] = []
    records = [country.info() for country in all_countries()]
    countries = _countries(records, report)
    kinds: dict[str, str] = {country["name"]: "country" for country in countries.values()}
    facts: list[Fact] = []

    def state(head: str, relation: str, tail: str, kind: str) -> None:
        kinds.setdefault(tail, kind)
        facts.append((head, relation, tail))

    _borders(countries, state, report)
    _regions(countries.values(), state)
    _capitals(countries.values(), state)
    for country in countries.values():
        for key, (relation, kind) in _MANY.items():
            for code in country.get(key) or ():
                state(country["name"], relation, code, kind)
    _timezones(countries.values(), state, report)
    return _knowledge(name, list(dict.fromkeys(facts)), kinds, countries, report)


def _code(country: Country) -> str:
    return (country.get("ISO") or {}).get("alpha3") or ""


def _countries(records: Iterable[Country], report: list[str]) -> dict[str, Country]:
    """The first record of each country that exists, by alpha-3 code."""
    found: dict[str, Country] = {}
    left: dict[str, list[str]] = {"without an ISO code": [], "of former countries": [], "of a country given twice": []}
    for record in records:
        code = _code(record)
        if not code or code in _FORMER:
            left["of former countries" if code else "without an ISO code"].append(record["name"])
        elif code in found:
            left["of a country given twice"].append(record["name"])
        else:
            found[code] = record
    report += [f"{len(names)} record(s) {why} left out: {', '.join(names)}" for why, names in left.items() if names]
    return found


def _borders(countries: Mapping[str, Country], state: Callable[..., None], report: list[str]) -> None:
    """Borders both ways; a border that one side only gives is completed."""
    names = {(c.get("ISO") or {}).get("alpha2"): c["name"] for c in countries.values()}
    names |= {code: country["name"] for code, country in countries.items()}
    given = [(c["name"], code) for c in countries.values() for code in c.get("borders") or ()]
    unknown = [f"{country} – {code}" for country, code in given if code not in names]
    pairs = dict.fromkeys((country, names[code]) for country, code in given if code in names)
    single = [(a, b) for a, b in pairs if (b, a) not in pairs]
    for a, b in [*pairs, *((b, a) for a, b in single)]:
        state(a, "borders", b, "country")
    if unknown:
        report.append(f"{len(unknown)} border(s) with a code of no country left out: {', '.join(unknown)}")
    if single:
        sides = ", ".join(f"{a} – {b}" for a, b in single)
        report.append(f"{len(single)} border(s) given by one side only completed by the other: {sides}")


def _regions(countries: Iterable[Country], state: Callable[..., None]) -> None:
    for country in countries:
        region, subregion = country.get("region"), country.get("subregion")
        if region:
            state(country["name"], "in_region", region, "region")
        if subregion:
            state(country["name"], "in_subregion", subregion, "subregion")
        if region and subregion:
            state(subregion, "part_of", region, "region")


def _capitals(countries: Iterable[Country], state: Callable[..., None]) -> None:
    """Capitals; one whose name a country, a region or another capital has is told apart by its country."""
    capitals = [(c["name"], city) for c in countries for city in _listed(c.get("capital"))]
    taken = Counter(city for _, city in capitals)
    taken.update(value for c in countries for value in {c["name"], c.get("region"), c.get("subregion")} if value)
    for country, city in capitals:
        state(country, "has_capital", city if taken[city] == 1 else f"{city}, {country}", "city")


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) and value else list(value or ())


def _timezones(countries: Iterable[Country], state: Callable[..., None], report: list[str]) -> None:
    """Offsets from UTC, spelt in one way: UTC, UTC+05:30, UTC-04:00."""
    respelt = set()
    for country in countries:
        for zone in country.get("timezones") or ():
            minus = zone.replace("−", "-")  # U+2212
            short = re.sub(r"([+-]\d\d)$", r"\1:00", minus)
            spelt = "UTC" if short == "UTC+00:00" else short
            respelt |= {zone} if spelt != minus else set()
            state(country["name"], "in_timezone", spelt, "timezone")
    if respelt:
        report.append(f"{len(respelt)} spelling(s) of time zones mended: {', '.join(sorted(respelt))}")


def _knowledge(
    name: str, facts: list[Fact], kinds: Mapping[str, str], countries: Mapping[str, Country], report: list[str]
) -> KnowledgeGraph:
    """Facts in slots by first appearance, with what is known of each entity."""
    entities = {entity: slot for slot, entity in enumerate(dict.fromkeys(e for h, _, t in facts for e in (h, t)))}
    relations = {relation: slot for slot, relation in enumerate(dict.fromkeys(r for _, r, _ in facts))}
    triples = np.array([(entities[h], relations[r], entities[t]) for h, r, t in facts], np.int32)
    of = {country["name"]: (code, country) for code, country in countries.items()}
    rows: list[tuple[str | None, Country]] = [of.get(entity, (None, {})) for entity in entities]
    places = [record.get("latlng") or (None, None) for _, record in rows]
    columns = {
        "kind": pa.array([kinds[entity] for entity in entities], pa.string()),
        "iso": pa.array([code for code, _ in rows], pa.string()),
        **{key: pa.array([record.get(key) for _, record in rows], type_) for key, type_ in _NUMBERS.items()},
        "latitude": pa.array([place[0] for place in places], pa.float64()),
        "longitude": pa.array([place[1] for place in places], pa.float64()),
    }
    alone = [country for country in of if country not in entities]
    if alone:
        report.append(f"{len(alone)} country(s) without a fact left out: {', '.join(alone)}")
    data = pa.table(columns)
    return KnowledgeGraph(name, triples, Names.of(entities), Names.of(relations), data, None, tuple(report))
