"""Where every dollar went (placeholder of the layout until it is ported)."""

from simulator.results.buckets import BUCKETS
from simulator.world.model.record import Layout, Member

LAYOUT: Layout = (Member("buckets", "f8", (len(BUCKETS),)), Member("flows"))
