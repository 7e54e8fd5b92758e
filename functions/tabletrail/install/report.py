"""What an installation did, for the deployment that asked for it. Called by all of `tabletrail.install`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """`notes` are sentences: what the cluster does not offer, what was changed by hand, what was kept."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    """Ours whole: changed by hand, and again as the release has it."""
    kept: list[str] = field(default_factory=list)
    """A person's work from then on."""
    notes: list[str] = field(default_factory=list)

    def repair(self, words: str) -> None:
        """It was written because somebody had changed it."""
        self.written.append(words)
        self.repaired.append(words)

    def sentence(self) -> str:
        """The whole of it. What a person must know comes first: CloudFormation cuts long answers."""
        done = f"wrote {', '.join(self.written)}" if self.written else "nothing to write"
        text = f"{done}; {len(self.unchanged)} objects were as they should be"
        if len(self.written) > 12:
            text = f"wrote {len(self.written)} objects; {len(self.unchanged)} were as they should be"
        return ". ".join([text, *self._on_edits(), *self.notes])

    def _on_edits(self) -> list[str]:
        parts = []
        if self.repaired:
            parts.append(f"Changed by hand, and again as the release has it: {', '.join(self.repaired)}")
        if self.kept:
            parts.append(
                f"Kept as a person changed it: {', '.join(self.kept)} (docs/operating.md says how to get the release's)"
            )
        return parts
