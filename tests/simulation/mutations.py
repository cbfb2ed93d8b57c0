"""Broken on purpose: each guarantee undone in one place, to see that the simulation notices.

`MUTATIONS`: in words what is wrong, the patches that make it so, and the seed that notices. What no seed
can show (how soon, how many requests, what commands do) a test has to.
"""

from __future__ import annotations

from typing import Any, Final

from streamalert_apps.runtime import (
    audit,
    clean,
    collect,
    forward,
    inbox,
    journal,
    ledger,
    legacy,
    memory,
    pace,
    paused,
    purge,
    record,
    replay,
    window,
)
from streamalert_apps.runtime import head as heads
from streamalert_apps.runtime.destinations import s3 as lake
from streamalert_apps.runtime.store import s3
from streamalert_apps.sdk import catalogue, events, http, retry, stream
from streamalert_apps.sdk.feed import listing, look, reader, sweep, walk
from streamalert_apps.sdk.pace import Pace
from streamalert_apps.serve import backfill, export, removal, verify
from tests.simulation.breaking import Mutation, by_seed, by_test, edit, instead


class _Later:
    """A store whose puts wait until the head has been written."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._waiting: list[tuple[str, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, name: str, body: bytes) -> None:
        self._waiting.append((name, body))

    def catch_up(self) -> None:
        for name, body in self._waiting:
            self._store.put(name, body)


_commit = collect._Run._commit


def _head_first(run: Any) -> None:
    store = run.store
    run.store = later = _Later(store)
    try:
        _commit(run)
    finally:
        run.store = store
    later.catch_up()


_note = collect._Run.note


def _drop_positions(run: Any) -> None:
    _note(run)
    names = {forwarder.name for forwarder in run.forwarders}
    run.held.head.positions = {n: p for n, p in run.held.head.positions.items() if n in names}


WALK: Final = "sdk/feed/test_walk.py::"

MUTATIONS: Final[dict[str, Mutation]] = {
    # what is on record
    "writes the head before the journal": by_seed(0, instead(collect._Run, "_commit", _head_first)),
    "reads the commit that came first, not the one that counts": by_seed(
        4,
        edit(
            journal, "commits", ("found[entry.sequence] = entry", "found.setdefault(entry.sequence, entry)")
        ),
    ),
    "counts fences without the clock": by_seed(
        88, edit(heads, "take", ("max(head.fence + 1, int(now.timestamp() * 1000))", "head.fence + 1"))
    ),
    "gives a record that is begun anew its old name": by_seed(
        0, edit(heads, "_born", ('f"{now:%Y%m%d}-{secrets.token_hex(6)}"', '"20260302-000000000000"'))
    ),
    "does not know a write of its own again": by_seed(
        1,
        edit(
            heads.HeldHead,
            "_settled",
            ("nonce == self.head.nonce", "False"),
            ("if nonce in self._open:", "if False:"),
        ),
    ),
    "takes no answer for a yes": by_seed(
        1, edit(heads.HeldHead, "_settled", ("there = self._reread(error)", "return str(self.version)"))
    ),
    "makes a removed head anew": by_seed(
        7,
        edit(
            heads.HeldHead,
            "_settled",
            (
                'raise AlreadyRunning("The app\'s record was removed during the run.") from None',
                "return self.store.write(NAME, body, replacing=None)",
            ),
        ),
    ),
    "writes after its end": by_seed(11, edit(heads.HeldHead, "write", ("if self.closed:", "if False:"))),
    "writes the head without what destinations have done": by_test(
        "runtime/test_head.py::test_what_other_threads_have_done_is_brought_in_before_each_write",
        edit(heads.HeldHead, "write", ("self.collect()", "pass")),
    ),
    "takes a 409 for a write of another run": by_test(
        "runtime/test_head.py::test_a_409_is_no_loss_and_is_tried_again",
        edit(heads.HeldHead, "_settled", ("if there.version != self.version:", "if True:")),
    ),
    "writes an object over another one": by_test(
        "runtime/store/test_s3.py::test_an_object_of_somebody_else_that_came_in_between_is_a_conflict",
        edit(s3.S3Store, "put", ('{"IfNoneMatch": "*"}', "{}")),
    ),
    "writes the head whatever version is there": by_test(
        "runtime/store/test_s3.py::test_who_was_not_first_meets_a_conflict",
        edit(
            s3.S3Store,
            "write",
            ('{"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}', "{}"),
        ),
    ),
    "lets S3 be used that is another account's": by_test(
        "runtime/store/test_s3.py::test_every_call_names_the_buckets_owner",
        edit(s3.S3Store, "_send", ("**self._bucket, Key", 'Bucket=self._bucket["Bucket"], Key')),
    ),
    # one at a time
    "forgets that a lease ends": by_seed(
        4,
        edit(
            heads,
            "_check_lease",
            ("not now.timestamp() < lease.until <= now.timestamp() + LEASE_SECONDS + 1", "False"),
        ),
    ),
    "takes a living lease": by_seed(0, instead(heads, "_check_lease", lambda *_: None)),
    "waits out the lease of a wrong clock": by_seed(
        873, edit(heads, "_check_lease", (" <= now.timestamp() + LEASE_SECONDS + 1", ""))
    ),
    "is turned away by its own lease": by_seed(
        0, edit(heads, "_check_lease", ("lease.holder in {identity.holder, after} or ", ""))
    ),
    "tells the time by its own clock": by_seed(
        0,
        edit(heads, "take", ("offset = there.now - clock.now()", "offset = timedelta(0)")),
        edit(
            heads,
            "_check_lease",
            (
                "lease = head.lease",
                "lease, now = head.lease, datetime.fromtimestamp(head.lease.until if head.lease else 0, UTC)",
            ),
        ),
    ),
    "never renews its lease": by_seed(7, instead(heads.HeldHead, "renew", lambda _: None)),
    "does not show that it lives while it waits": by_seed(
        13, edit(http.Api, "_wait", ("self.alive()", "pass"))
    ),
    "works on another's record": by_seed(21, instead(heads, "_check_owner", lambda *_: None)),
    "lets no write of the head renew the lease": by_test(
        "runtime/test_head.py::test_a_write_renews_the_lease",
        edit(
            heads.HeldHead,
            "write",
            ("self.now().timestamp() + LEASE_SECONDS", "self.head.lease.until or 1e12"),
        ),
    ),
    "begins a run of an app that is being removed": by_test(
        "runtime/test_head.py::test_an_app_that_is_being_removed_does_not_run",
        edit(heads, "_check_owner", ("if head.removed:", "if False:")),
    ),
    "removes the head before the rest": by_test(
        "serve/test_removal.py::test_the_head_goes_last_so_that_a_removal_that_was_cut_off_can_be_finished",
        edit(
            removal,
            "finish",
            ("rest = [", "place.store.delete([heads.NAME])\n    rest = ["),
        ),
    ),
    # what is deleted
    "deletes what a destination does not have yet": by_seed(
        57, edit(clean, "_old_commits", ("entry.sequence < passed and ", ""))
    ),
    "deletes the memory that the head names": by_seed(
        0, edit(clean, "_old", ("item.name not in named and ", ""))
    ),
    "deletes at once what no head names any more": by_seed(
        10, edit(clean, "_old", ("age > UNNAMED_SECONDS", "True"))
    ),
    "deletes nothing": by_seed(0, instead(collect, "clean", lambda *_, **__: None)),
    "cleans only where time is left": by_test(
        "runtime/test_clean.py::test_runs_that_have_no_time_left_at_their_end_delete_at_their_beginning",
        edit(clean, "clean", ("(2 * pause if overdue else pause)", "(1e12 if overdue else pause)")),
    ),
    "deletes the journal that the memory is made from": by_test(
        "runtime/test_clean.py::test_what_the_memory_could_need_again_is_kept",
        edit(clean, "delete_old", ("if floor is not None:", "if False:")),
    ),
    "deletes nothing of a paused app": by_test(
        "runtime/test_clean.py::test_a_paused_app_deletes_what_is_past_its_time_each_day",
        instead(paused, "delete_old", lambda *_: None),
    ),
    "purges rows so that others take their places": by_test(
        "runtime/test_purge.py::test_rows_that_were_purged_are_empty_so_that_the_others_keep_theirs",
        edit(purge, "_purge_journal", (r'is_within, b"\n")', 'is_within, b"")')),
    ),
    "purges under the fence of what was there": by_test(
        "runtime/test_purge.py::test_a_span_may_be_purged_after_another_under_one_lease",
        edit(purge, "_note", ("held.head.fence += 1", "pass")),
    ),
    "purges the journal alone": by_test(
        "runtime/test_purge.py::test_dead_records_of_the_span_are_gone",
        instead(purge, "_purge_dead", lambda *_: None),
    ),
    "says of no purge which span it was": by_test(
        "runtime/test_purge.py::test_the_head_says_what_was_purged_so_that_nobody_takes_it_for_a_loss",
        edit(purge, "_note", ("held.head.purged = [*held.head.purged, (start, end)][-SPANS:]", "pass")),
    ),
    # the inbox
    "takes from the inbox what commits have brought since": by_seed(
        97,
        edit(
            inbox.Judged,
            "precedes",
            ("entry.sequence > self.sequence or entry.written >= self.at - LEASE_SECONDS", "False"),
        ),
    ),
    "takes the same from two objects of the inbox": by_seed(
        201,
        edit(
            collect._Run,
            "_empty_inbox",
            ("known.update(identity.hex() for identity in self.ids)", "pass"),
        ),
    ),
    "never looks into the inbox": by_seed(25, instead(collect._Run, "_empty_inbox", lambda _: None)),
    # the memory
    "can't do without a part of its memory": by_seed(
        909,
        edit(
            collect._Run,
            "_segment",
            (
                "if body is not None:",
                "if body is None:\n        raise BadResponse('It is missing.')\n    else:",
            ),
        ),
    ),
    "makes nothing of the journal where a part of the memory is missing": by_test(
        "runtime/test_collect.py::test_a_part_of_the_memory_that_is_missing_is_made_anew_from_the_journal",
        edit(collect._Run, "_from_journal", ("ids[bytes.fromhex(mark.id)] = time", "pass")),
    ),
    "names parts of the memory without their fence": by_seed(
        41, edit(collect._Run, "_put_segments", ("{sequence:010d}-{head.fence:014d}-", "{sequence:010d}-"))
    ),
    "knows nothing": by_seed(0, instead(memory.Memory, "known", lambda *_: set())),
    "lets the time of a known event stay": by_seed(
        11, edit(memory.Memory, "known", ("if found.get(identity, _LATEST) + 1 <= now:", "if False:"))
    ),
    "forgets the oldest where there are many": by_seed(
        3, edit(memory.Memory, "_merged", ("[*kept, Segment(", "[*kept[1:], Segment("))
    ),
    "never forgets": by_seed(1, instead(memory.Memory, "forget", lambda *_: None)),
    "goes on where another run has replaced its memory": by_test(
        "runtime/test_collect.py::test_a_run_whose_memory_is_gone_because_another_one_took_over_ends",
        edit(collect._Run, "_segment", ("    self.held.write()", "    pass")),
    ),
    "keeps ids of a far future among the others": by_test(
        "runtime/test_memory.py::test_ids_of_a_far_future_are_kept_apart_so_that_they_keep_no_others",
        edit(memory.Memory, "spill", ("if time <= far}", "if True}")),
    ),
    "puts its ids on record as the service can reckon them": by_test(
        "sdk/feed/test_stream.py::test_nobody_can_make_two_events_that_one_id_stands_for",
        edit(heads, "_born", ("key=secrets.token_hex(16)", 'key="00" * 16')),
    ),
    # rows
    "gives events without a time that of the beginning": by_seed(
        3, edit(events.Events, "_names_and_times", ("now if time is NEVER", "0.0 if time is NEVER"))
    ),
    "counts equal rows of pages that overlap over all of them": by_seed(
        5,
        edit(reader.Reader, "read", ("Counter() if self.feed.overlapping else listing.met", "listing.met")),
    ),
    "counts equal rows page by page": by_seed(
        156, edit(reader.Reader, "read", ("Counter() if self.feed.overlapping else listing.met", "Counter()"))
    ),
    "goes on counting where a listing begins again": by_test(
        f"{WALK}test_a_listing_that_begins_again_counts_anew",
        edit(
            sweep.Sweeps,
            "_open",
            (
                "Listing(0 if sweep.unordered else self._feed.order)",
                "Listing(0 if sweep.unordered else self._feed.order, met=self._listing.met)",
            ),
        ),
    ),
    "forgets its counts in the middle of a window": by_test(
        f"{WALK}test_counts_go_on_where_a_run_ended_in_the_middle_of_a_window",
        edit(
            sweep.Sweeps,
            "_resume",
            (
                "self._listing.met.update({bytes.fromhex(key): count for key, count in window.met.items()})",
                "pass",
            ),
        ),
    ),
    # looks and sweeps
    "sweeps before it looks": by_test(
        f"{WALK}test_a_run_looks_first_and_a_look_never_moves_the_floor",
        edit(
            walk, "walk", ("elif looks.is_due(sweeping=due):", "elif looks.is_due(sweeping=due) and not due:")
        ),
    ),
    "lets a look move the floor": by_seed(
        0,
        edit(
            look.Looks,
            "_pages",
            (
                "place.turns += 1",
                "place.turns += 1\n        place.floor = max(place.floor, place.newest or place.floor)",
            ),
        ),
    ),
    "begins a look where the last one began, by a wrong clock": by_test(
        f"{WALK}test_a_look_begins_at_the_newest_event_where_our_clock_is_ahead",
        edit(look.Looks, "_span", ("since = last if place.cut else min(last, place.newest)", "since = last")),
    ),
    "lets a look take a whole run": by_test(
        f"{WALK}test_a_look_has_half_of_a_run_and_the_sweep_goes_on_beside_it",
        edit(look.Looks, "_allowance", ('if not sweeping or left == float("inf"):', "if True:")),
    ),
    "ends a look where its token dies": by_test(
        f"{WALK}test_a_look_whose_token_dies_on_an_unordered_list_begins_again_at_half_its_span",
        instead(look.Looks, "_begin_again", lambda *_: False),
    ),
    "leaves to nobody what a look was cut short of": by_test(
        f"{WALK}test_what_a_look_was_cut_short_of_does_not_wait_for_the_next_sweep_that_is_due",
        edit(look.Looks, "_pages", ("place.hole = hole or place.cut", "pass")),
    ),
    "looks back farther than it can afford": by_test(
        f"{WALK}test_a_look_reads_at_most_twice_the_pages_of_new_events_and_one",
        edit(look.Looks, "_overlap", ("if not (place.rate and place.size):", "if True:")),
    ),
    "believes the newest of all times where the service tells none": by_test(
        f"{WALK}test_one_event_of_a_wrong_clock_does_not_move_the_floor_past_others",
        edit(
            reader.Reader, "_note_times", ("ordered[: len(ordered) - max(1, len(ordered) // 100)]", "ordered")
        ),
    ),
    "sweeps an idle feed in every run": by_test(
        f"{WALK}test_an_idle_feed_is_not_swept_in_every_run",
        edit(sweep.Sweeps, "is_due", ("return since >= least or since < -SOONEST", "return True")),
    ),
    "goes no way back": by_test(
        f"{WALK}test_a_look_goes_back_as_far_as_most_late_events_need",
        edit(look.Looks, "_span", ("since -= self._overlap(now - since)", "pass")),
    ),
    "believes events that are ahead of the clock": by_test(
        f"{WALK}test_newest_does_not_follow_events_of_the_future_nor_those_without_a_time",
        edit(
            reader.Reader, "read", ("believed := [time for time in times if time < met]", "believed := times")
        ),
    ),
    "lets the floor follow what is newest at the end of a sweep": by_seed(
        154,
        edit(
            sweep.Sweeps,
            "_raise_floor",
            (
                "min(sweep.sure, sweep.ceiling)",
                "min(sweep.sure, (self._place.newest or sweep.ceiling) - self._reader.lag)",
            ),
        ),
    ),
    "takes its own clock for the service's on an idle feed": by_test(
        f"{WALK}test_the_floor_of_an_idle_feed_does_not_follow_our_clock",
        edit(sweep.Sweeps, "_begin", ("if self._reader.api.dated:", "if True:")),
    ),
    "takes all time for settled": by_seed(
        0, edit(sweep.Sweeps, "_begin", ("min(now, place.newest) - lag", "min(now, place.newest)"))
    ),
    "lets the floor pass what was not read": by_seed(
        45, edit(sweep.Sweeps, "_raise_floor", ("min(sweep.sure, sweep.ceiling)", "sweep.ceiling"))
    ),
    "asks for exact bounds": by_test(
        f"{WALK}test_bounds_that_do_not_count_in_are_asked_for_one_unit_too_wide",
        edit(
            sweep.Sweeps,
            "_open",
            ("Window(top, sweep.cursor - unit, top + unit)", "Window(top, sweep.cursor, top)"),
        ),
    ),
    "keeps the width of a window that is too much": by_test(
        f"{WALK}test_a_window_grows_where_it_was_easy_and_halves_where_a_token_died",
        edit(
            sweep.Sweeps, "_restart", ("self._place.width = max(smallest, span / 2).total_seconds()", "pass")
        ),
    ),
    "keeps a token that is refused": by_seed(7, instead(sweep.Sweeps, "_restart", lambda *_: None)),
    "lets a window stay narrow for ever": by_test(
        f"{WALK}test_a_window_grows_where_it_was_easy_and_halves_where_a_token_died",
        edit(sweep.Sweeps, "_close", ("place.width = min(place.width * 1.5, place.widest)", "pass")),
    ),
    "moves the floor at the end of a sweep only": by_test(
        f"{WALK}test_the_floor_follows_each_window_of_a_sweep_that_takes_many_runs",
        edit(
            sweep.Sweeps,
            "_close",
            (
                "    self._raise_floor(sweep)\n",
                "    if not self._place.sweep:\n        self._raise_floor(sweep)\n",
            ),
        ),
    ),
    "asks for ever with a token that fails": by_test(
        f"{WALK}test_a_token_with_which_the_service_fails_for_ever_is_dropped",
        edit(sweep.Sweeps, "_resume", ("if window.tries >= MOST_TRIES:", "if False:")),
    ),
    "waits for ever for a moment that does not fit": by_test(
        f"{WALK}test_a_moment_that_does_not_fit_one_run_is_set_aside_and_named",
        edit(sweep.Sweeps, "_restart", ("if sweep.tries >= MOST_TRIES:", "if False:")),
    ),
    "names no gap": by_test(
        f"{WALK}test_what_the_service_keeps_no_more_is_a_gap_that_is_told_once",
        instead(sweep.Sweeps, "_note_gap", lambda *_: None),
    ),
    "names a gap where a sweep has been": by_test(
        f"{WALK}test_an_idle_feed_has_no_gap_however_long_it_is_idle",
        edit(
            sweep.Sweeps, "_skip", ("max(sweep.cursor, self._place.listed or sweep.cursor)", "sweep.cursor")
        ),
    ),
    "lets looks take all requests from an old sweep": by_test(
        f"{WALK}test_looks_do_not_take_the_only_request_of_every_run_from_a_sweep",
        edit(walk, "walk", ("sweeps.is_old() and place.turns", "False and place.turns")),
    ),
    "tells nobody of a floor that falls behind": by_test(
        f"{WALK}test_a_sweep_that_is_older_than_the_lag_has_one_request_in_four_and_is_told",
        instead(sweep.Sweeps, "_tell_behind", lambda _: None),
    ),
    "waits in a run for a sweep that a later one can go on with": by_test(
        f"{WALK}test_a_run_does_not_wait_for_a_sweep_that_a_later_one_can_go_on_with",
        instead(sweep.Sweeps, "can_be_left", lambda _: False),
    ),
    "keeps a token that leads in a circle": by_seed(
        80, edit(sweep.Sweeps, "page", ("except BadResponse:", "except ZeroDivisionError:"))
    ),
    "believes the documented order": by_test(
        f"{WALK}test_an_order_that_is_not_kept_is_told_and_costs_nothing",
        instead(listing.Listing, "check_order", lambda *_: True),
    ),
    "looks for circles among tokens": by_test(
        f"{WALK}test_pages_that_come_again_are_a_circle_whatever_their_token",
        edit(listing.Listing, "check_circle", ("fetched.next if alike else None", "fetched.next")),
    ),
    "believes its own clock": by_seed(39, instead(http.Api, "_compare_clocks", lambda *_: None)),
    "believes a date that a cache gives": by_seed(
        2, edit(http.Api, "_compare_clocks", ('int(response.headers.get("Age", "0")) > 0', "False"))
    ),
    "lets a file that can't be read hold up the others": by_test(
        "sdk/feed/test_catalogue.py::test_a_file_that_can_not_be_read_holds_up_no_other_and_is_let_go_when_it_is_gone",
        edit(
            catalogue.Catalogue,
            "_read_or_put_aside",
            ("except AppError as error:", "except ZeroDivisionError as error:"),
        ),
    ),
    "knows a file again by its own id alone": by_test(
        "sdk/feed/test_catalogue.py::test_a_file_is_on_record_once_though_a_part_of_the_memory_is_lost",
        edit(catalogue.Catalogue, "_pieces", ("if identity not in known]", "if True]")),
    ),
    "lets the floor pass a file that was put aside": by_seed(
        103,
        edit(catalogue.Catalogue, "_raise_floor", ("ceiling = min(ceiling, moment_of(file.time))", "pass")),
    ),
    "looks no farther than where it was cut short": by_test(
        "sdk/feed/test_catalogue.py::test_a_list_that_was_too_long_for_a_run_is_looked_through_farther_each_time",
        edit(catalogue.Catalogue, "walk", ("place.reach = 2 * reach", "pass")),
    ),
    "remembers events of a stream for no time": by_seed(
        37,
        edit(
            stream.Stream, "walk", ("asked - self.api.ahead - self._memory_span()", "asked - self.api.ahead")
        ),
    ),
    "remembers events of a stream by their own times": by_test(
        "sdk/feed/test_stream.py::test_what_came_late_is_known_where_a_page_gives_the_last_events_again",
        edit(stream.Stream, "_read", ("(identity, max(time, now))", "(identity, time)")),
    ),
    "begins at the end of a stream where its position is lost": by_test(
        "sdk/feed/test_stream.py::test_what_shows_up_late_while_a_position_is_lost_arrives",
        edit(stream.Stream, "_begin_again", ("since = place.since or place.floor", "since = place.at")),
    ),
    # pace
    "forgets when it made requests": by_seed(7, instead(Pace, "request_made", lambda *_: None)),
    "notes no requests in the head": by_seed(133, edit(collect._Run, "note", ("head.requests = ", "_ = "))),
    "forgets Retry-After": by_seed(8, instead(Pace, "rest", lambda *_: None)),
    "tries again past its deadline": by_test(
        "sdk/test_http.py::test_waits_never_go_past_the_time_left",
        edit(retry, "retrying", ("wait >= deadline.left() or ", "")),
    ),
    "asks no one after a limit of its own": by_test(
        "runtime/test_pace.py::test_after_a_429_of_its_own_a_run_learns_what_commands_have_asked",
        edit(collect._Run, "_prepare", ("app.api.limited = lambda: self._ask_others(app)", "pass")),
    ),
    "lets commands note no requests": by_test(
        "runtime/test_pace.py::test_runs_and_commands_that_take_turns_meet_no_429",
        instead(pace, "note", lambda *_: None),
    ),
    # destinations
    "gives batches of one commit one id": by_seed(
        0, edit(forward.Forwarder, "_batch_id", ("window.name, rows", "window.last.sequence"))
    ),
    "names a batch by its first and last row": by_seed(
        5, edit(forward.Forwarder, "_batch_id", ("rows)\n", "rows[0], rows[-1])\n"))
    ),
    "names a batch without its fence": by_seed(
        0, instead(window.Window, "name", property(lambda self: str(self.last.sequence)))
    ),
    "keeps what is dead without its fence": by_test(
        "runtime/test_forward.py::test_what_is_refused_has_a_place_of_its_own_though_the_record_was_begun_anew",
        edit(forward.Forwarder, "_bury", ("-{commit.fence:014d}", "")),
    ),
    "drops what is left of a half-taken batch": by_seed(
        22, edit(forward.Forwarder, "_pass", ("end, sorted({*rest, *self._doubted})", "end, []"))
    ),
    "sends all of a half-taken batch again": by_seed(
        5, edit(forward.Forwarder, "_send", ("self._sent(window, rest)", "self._sent(window, rows)"))
    ),
    "passes what a destination did not take": by_seed(
        3,
        edit(
            forward.Forwarder,
            "_forward",
            (
                "self._send(window, rows)\n        if self._has_stopped():\n            return",
                "self._send(window, rows)",
            ),
        ),
    ),
    "buries nothing": by_seed(
        0, edit(forward.Forwarder, "_bury", ("self.held.store.put(name, body)", "pass"))
    ),
    "forgets what was accepted where what is dead can't be kept": by_seed(
        5,
        edit(
            forward.Forwarder,
            "_bury_all",
            ("except StateError as failed:", "except ZeroDivisionError as failed:"),
        ),
    ),
    "takes wrong settings for bad events": by_seed(
        0,
        edit(forward.Forwarder, "_sent", ("if refused and not self._is_tried:", "if False:")),
    ),
    "drops the positions that it does not know": by_seed(1, instead(collect._Run, "note", _drop_positions)),
    "saves a position at the end only": by_seed(
        46, edit(forward.Forwarder, "_forward", ("if self.position.sequence > self._saved:", "if False:"))
    ),
    "sends what it waited for before its end is fixed": by_seed(
        27, edit(forward.Forwarder, "_closed", ("    self.held.write()\n", ""))
    ),
    "waits for ever for more": by_seed(1, instead(forward.Forwarder, "_is_due", lambda _: False)),
    "reads nothing back from the journal": by_seed(
        0,
        instead(forward.Forwarder, "_read_back", lambda self, *, up_to: iter(self._skip_to(up_to + 1) or ())),
    ),
    "begins a destination at the first commit": by_test(
        "runtime/test_forward.py::test_a_destination_that_is_new_begins_with_what_is_collected_from_now_on",
        edit(forward.Forwarder, "__post_init__", ("Position(head.sequence + 1,", "Position(head.first,")),
    ),
    "keeps all commits in memory that wait for a destination": by_test(
        "runtime/test_forward.py::test_of_what_a_destination_does_not_take_no_more_than_two_commits_wait_in_memory",
        edit(forward.Forwarder, "offer", ("if len(self._commits) > WAITING:", "if False:")),
    ),
    "tries a destination again and again that failed the last run": by_test(
        "runtime/test_forward.py::test_after_a_run_that_failed_there_is_one_try_until_the_destination_is_back",
        instead(forward.Forwarder, "attempts", property(lambda _: retry.ATTEMPTS)),
    ),
    "keeps nothing of what it trims": by_test(
        "runtime/test_forward.py::test_of_an_event_above_the_limit_a_trimmed_copy_tells_where_the_whole_is",
        edit(
            forward.Forwarder,
            "_copy",
            ('self._bury(window, row, "It is too large; a trimmed copy was delivered.")', '"nowhere"'),
        ),
    ),
    "passes an event before it is kept as dead": by_seed(
        5,
        edit(forward.Forwarder, "_bury_all", ("unkept.append(row)", "pass"), ("error = failed", "pass")),
    ),
    "does not halve what is refused as a whole": by_test(
        "runtime/test_forward.py::test_one_event_that_keeps_a_batch_from_being_taken_is_found_by_halving",
        edit(forward.Forwarder, "_sent", ("if answer.halve and len(part) > 1:", "if False:")),
    ),
    "lets a destination that fails end the run": by_test(
        "runtime/test_forward.py::test_a_destination_that_breaks_is_told_without_what_it_held",
        edit(
            forward.Forwarder,
            "drain",
            (
                "    except AppError as error:\n        self.error = error\n",
                "    except AppError:\n        raise\n",
            ),
            ("except Exception as error:", "except ZeroDivisionError as error:"),
        ),
    ),
    "replays events under the ids that they had": by_test(
        "serve/test_replay.py::test_events_have_ids_of_their_own_each_time",
        edit(replay, "outlet_of", ("SAME if wanted.same_ids else id", "SAME")),
    ),
    "puts events into folders by when they were collected": by_test(
        "destinations/test_s3.py::test_events_are_in_folders_by_the_hour_in_which_they_happened",
        edit(lake.S3, "_folder", ("moment(time)", "moment(0.0)")),
    ),
    # what came before, and proof
    "does not know what 0.1.0 delivered": by_test(
        "runtime/test_legacy.py::test_what_0_1_0_delivered_is_never_on_record_and_the_rest_is_once",
        edit(collect._Run, "_inherited", ("pack(inherited.ids)", '""')),
    ),
    "takes over while a run of 0.1.0 lives": by_test(
        "runtime/test_legacy.py::test_while_a_run_of_0_1_0_has_its_lease_nothing_is_taken_over",
        instead(legacy.OldState, "_check_lease", lambda *_: None),
    ),
    "leaves 0.1.0 a state that it goes on with": by_test(
        "runtime/test_legacy.py::test_0_1_0_s_state_is_replaced_by_words_that_it_can_t_read",
        instead(legacy.OldState, "bury", lambda _: None),
    ),
    "hands an app back without what waits": by_test(
        "serve/test_export.py::test_what_waits_is_delivered_first", instead(export, "_drain", lambda *_: 0)
    ),
    "hands an app back from the floor on, whatever was not delivered": by_test(
        "serve/test_export.py::test_what_can_t_be_delivered_is_collected_again_by_0_1_0",
        edit(export, "_checkpoint", ("if missing else None", "if False else None")),
    ),
    "does not ask what an older version has done since": by_test(
        "serve/test_export.py::test_an_app_that_comes_back_continues_where_0_1_0_ended",
        edit(heads, "take", ("(head.checkpoint is None or head.sealed)", "head.checkpoint is None")),
    ),
    "takes what may still come for missing": by_test(
        "serve/test_verify.py::test_what_a_run_puts_on_record_meanwhile_is_not_missing",
        edit(verify._Verifier, "verify", ("if number not in since_then and", "if")),
    ),
    "takes what was purged for missing": by_test(
        "serve/test_verify.py::test_what_was_purged_is_not_missing",
        instead(verify._Verifier, "_is_purged", lambda *_: False),
    ),
    "lets backfills overlap": by_test(
        "serve/test_backfill.py::test_one_that_overlaps_another_is_refused",
        instead(backfill, "_check_overlap", lambda *_: None),
    ),
    "takes what backfills brought for missing": by_test(
        "serve/test_backfill.py::test_90_days_are_reckoned_within_a_fifth_before_and_on_record_once",
        edit(record, "of", (", *backfills(store)]", "]")),
    ),
    "counts the ledger's hours back from the newest event": by_test(
        "runtime/test_audit.py::test_an_event_whose_clock_is_years_ahead_takes_no_hour_from_the_ledger",
        edit(ledger, "grown", ("now // HOUR", "max(hours)")),
    ),
    "takes what is in deleted commits for missing": by_test(
        "runtime/test_audit.py::test_one_that_goes_on_after_days_without_a_run_repeats_nothing",
        edit(audit.Auditor, "work", ("min(whole, state.until)", "0.0")),
        edit(audit.Auditor, "_missing", ("head.expired + record.CLOCKS_DIFFER", "0")),
    ),
    "lists up to now where a limit is tight": by_test(
        "sdk/feed/test_walk.py::test_under_a_tight_limit_a_sweep_lists_nothing_that_may_still_change",
        edit(sweep.Sweeps, "_begin", ("end = min(now, ceiling)", "end = now")),
    ),
}
