"""Small charts of arrivals, all on one scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

BUCKET_SECONDS = 900
BUCKETS = 32  # eight hours: a shift
HEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many items came in each 15-minute bucket, the latest last."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)

    @property
    def most(self) -> int:
        """The fullest bucket."""
        return max(self.counts, default=0)

    def path(self, most: int) -> str:
        """Draw a bar for each bucket that is not empty, one unit wide; `most` items are as high as the chart."""
        tall = ((x, HEIGHT * count / max(most, 1)) for x, count in enumerate(self.counts) if count)
        return "".join(f"M{x}.1 {HEIGHT:g}v-{height:.2f}h.8v{height:.2f}z" for x, height in tall)


def arrivals(by_bucket: Mapping[int, int], last: int, buckets: int = BUCKETS) -> Arrivals:
    """Put counts by bucket (whole 15-minute buckets since 1970) in a row that ends with `last`, gaps as zero."""
    return Arrivals(tuple(by_bucket.get(number, 0) for number in range(last - buckets + 1, last + 1)))


def bucket(at: datetime) -> int:
    """Return the 15-minute bucket that an instant lies in, counted since 1970."""
    return int(at.timestamp()) // BUCKET_SECONDS
