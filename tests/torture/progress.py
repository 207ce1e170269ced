"""What has been finished of a run, kept so that the next one goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.torture.plan import Piece
from tests.torture.results import Result


class Progress:
    """The finished pieces of one run in a file, a line of JSON for each."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        self._results = {tuple(piece): Result(**result) for piece, result in map(json.loads, lines)}

    def __contains__(self, piece: Piece) -> bool:
        return _key(piece) in self._results

    def __getitem__(self, piece: Piece) -> Result:
        return self._results[_key(piece)]

    def add(self, piece: Piece, result: Result) -> None:
        """Write down what came of a piece."""
        self._results[_key(piece)] = result
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([_key(piece), asdict(result)]) + "\n")

    def added_up(self, pieces: list[Piece]) -> dict[tuple[str, str], Result]:
        """Return the results of those pieces that are finished, by test and store."""
        results: dict[tuple[str, str], Result] = {}
        for piece in pieces:
            if piece in self:
                key = piece.line.name, piece.store
                results[key] = results.get(key, Result()) + self[piece]
        return results


def _key(piece: Piece) -> tuple[str, str, int, int]:
    return piece.line.name, piece.store, piece.number, piece.times
