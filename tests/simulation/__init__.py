"""A deterministic simulation of the collector: one seed, one schedule.

The real handler, collector, state, paging, HTTP and packing code runs in simulated time against a
service, a Parameter Store, a classifier and a Lambda that fail in every way that the seed says.
`python -m tests.simulation` runs many seeds; docs/simulation.md says what is simulated.
"""
