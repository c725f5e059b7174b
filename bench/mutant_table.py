"""The mistakes that the suite must notice: each a small change of the program, and the test that must then fail.

From RELIABILITY 3.6 and the incidents behind it, as far as what they are mistakes in exists. The old text stands
exactly once in its file; when the code moves on, a fast test says which mutant has to follow it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: ``old`` becomes ``new`` in the file ``path``, and ``test`` (a pytest node or file) must fail."""

    name: str
    path: str
    old: str
    new: str
    test: str


FOLD, CASH, ORDER = "bot/engine/record/fold.py", "bot/engine/record/fold_account.py", "bot/domain/order.py"
ABSENCE = "bot/engine/record/absence.py"
T_FOLD, T_MISSED = "tests/engine/test_fold.py", "tests/recovery/test_missed.py"
T_PROTECT, T_PARENTS = "tests/engine/test_protect.py", "tests/engine/test_parents.py"
T_GROUPS = "tests/engine/test_protect_groups.py"
T_GUARDED = (
    "tests/recovery/test_guarded_storms.py::test_account_through_a_guarded_storm_is_covered_or_a_person_is_told"
)
T_HEDGING = "tests/engine/test_hedging.py"
T_GROWN = "test_protect_of_a_grown_position_places_the_new_stop_before_the_old_one_is_cancelled"
T_KILLS = "tests/recovery/test_kill_points.py::test_run_killed_between_two_commits_ends_as_an_undisturbed_one"
T_RESTORED = "tests/recovery/test_restored_journal.py"
T_FAULTS, T_RECOVERY = "tests/adapters/test_journal_faults.py", "tests/engine/test_recovery.py"

MUTANTS = (
    # Orders
    Mutant("UNKNOWN treated as REJECTED", ORDER, "Report.OUTCOME_UNKNOWN: OrderStatus.UNKNOWN,",
           "Report.OUTCOME_UNKNOWN: OrderStatus.REJECTED,", "tests/domain/test_orders.py"),
    Mutant("an end is left again", ORDER, "    OrderStatus.CANCELED: {},",
           "    OrderStatus.CANCELED: {Report.ACCEPTED: OrderStatus.WORKING},", "tests/domain/test_orders.py"),
    Mutant("a transport error counts as not found", FOLD,
           "        order.status = next_status(order.status, Report.OUTCOME_UNKNOWN)",
           "        order.status = next_status(order.status, Report.OUTCOME_UNKNOWN)\n"
           "        order.absent_since = fact.now",
           f"{T_PARENTS}::test_order_missed_by_two_witnesses_is_sold_again_under_another_name"),
    Mutant("one witness of absence is enough", FOLD, "    elif order.absent_since is None:\n",
           "    elif _never_worked(book, fact.name, fact.now, Report.ABSENT) or order.absent_since is None:\n",
           f"{T_FOLD}::test_fold_of_reports_on_an_order_in_any_order"),
    Mutant("an order on its way is believed absent", ABSENCE, " and not fact.may_come", "",
           f"{T_FOLD}::test_fold_of_reports_on_an_order_in_any_order"),
    Mutant("a lost order is sold again before the account is read", ABSENCE,
           "    return order.status is not OrderStatus.WORKING or ", "    return True or ",
           f"{T_MISSED}::test_working_order_missed_twice_without_a_snapshot_keeps_working"),
    Mutant("an accepted order that is lost works for ever", ORDER,
           "        Report.ABSENT: OrderStatus.CANCELED,     # it had it, and ended it without a word\n", "",
           f"{T_MISSED}::test_working_order_missed_twice_with_a_snapshot_between_is_over"),
    Mutant("a fill counts twice", FOLD, "    if was_known:\n        return\n", "",
           f"{T_FOLD}::test_fold_of_a_doubled_trade_id_changes_nothing"),
    Mutant("fills are summed by order update", FOLD, "    order.final = max(fact.filled, order.filled)\n",
           "    order.filled = order.final = max(fact.filled, order.filled)\n",
           f"{T_FOLD}::test_fold_of_reports_on_an_order_in_any_order"),
    Mutant("what is working is forgotten by the gate", "bot/engine/controls/exposure.py",
           "working = 0 if case.is_stop else case.working  ", "working = 0 ",
           "tests/engine/test_gate.py::test_gate_each_side_of_each_limit_answers_as_the_table_says"),
    Mutant("reducers are not reduce-only", "bot/engine/selling/children.py",
           "            reduce_only=not parent.is_hedge,\n", "            reduce_only=False,\n",
           f"{T_PARENTS}::test_parent_when_all_is_sold_ends_as_filled_and_its_episode_as_met"),
    Mutant("a name is used again", FOLD, "        parent.next_child = effect.child + 1\n", "",
           "tests/recovery/test_storms.py::test_engine_through_a_rough_storm_keeps_its_promises"),
    Mutant("a name is not reserved before it is used", "bot/engine/controls/identity.py",
           "reservation is None or name >= child_name(parent, reservation.end):", "reservation is None:",
           "tests/engine/test_gate.py::test_gate_each_side_of_each_limit_answers_as_the_table_says"),
    Mutant("two parents for one position", "bot/engine/deciding/parents.py",
           "            self._end(parent, ParentEnd.SUPERSEDED, now)\n", "",
           f"{T_PARENTS}::test_emergency_takes_over_from_the_guards_schedule"),
    Mutant("reducers are rounded up", "bot/execution/slicer.py", "    return quantity // filters.lot * filters.lot\n",
           "    return -(-quantity // filters.lot) * filters.lot\n",
           "tests/execution/test_slicer.py::test_child_quantity_of_any_state_never_overfills"),
    Mutant("dust is skipped", "bot/execution/slicer.py", "    return 0 < left < smallest_order(filters)\n",
           "    return False\n",
           "tests/execution/test_slicer.py::test_is_residual_is_true_below_one_minimum_and_not_at_nothing"),
    Mutant("what is working is sold again", "bot/execution/slicer.py",
           "progress.held - progress.keep) - progress.working)\n", "progress.held - progress.keep))\n",
           "tests/execution/test_slicer.py::test_child_quantity_of_any_state_never_overfills"),
    # The account
    Mutant("liquidation and ADL are ignored", FOLD, "    if not is_in_snapshot(account, fact.stamp):\n",
           "    if fact.origin is FillOrigin.OURS and not is_in_snapshot(account, fact.stamp):\n",
           "tests/engine/test_engine.py"),
    Mutant("reconciling ignores a mismatch", CASH, "        book.quantity[position] = quantity\n", "",
           f"{T_FOLD}::test_fold_of_snapshots_out_of_order_keeps_the_newer"),
    Mutant("a stale snapshot is believed", CASH, "    if account.adopted and fact.taken < max(",
           "    if account.adopted and fact.now < max(",
           f"{T_FOLD}::test_fold_of_a_snapshot_older_than_our_last_fill_is_not_taken"),
    Mutant("a fill that the snapshot holds moves the position", CASH,
           "    return account.adopted and stamp <= account.snapshot_taken\n", "    return False\n",
           f"{T_FOLD}::test_fold_of_a_fill_not_newer_than_the_snapshot_moves_only_its_order"),
    Mutant("funding at the snapshot's very time counts twice", CASH,
           "    return account.adopted and stamp <= account.snapshot_taken\n",
           "    return account.adopted and stamp < account.snapshot_taken\n",
           f"{T_MISSED}::test_funding_no_later_than_the_snapshot_is_in_it"),
    Mutant("a transfer counts as a loss", CASH, "    account.flow += fact.amount\n", "",
           "tests/engine/test_measures.py"),
    Mutant("what is told twice counts twice", "bot/engine/record/heard.py", "    if not _is_new(account, number):\n",
           "    if number < 0:\n",
           f"{T_MISSED}::test_funding_told_twice_under_one_number_counts_once"),
    Mutant("a gap in what was told is not seen", "bot/engine/record/heard.py",
           "    return fact.number > newest_heard(book.accounts[fact.account]) + 1\n", "    return False\n",
           f"{T_MISSED}::test_engine_asks_once_for_what_a_number_says_it_missed"),
    Mutant("collateral counts without its haircut", "bot/risk/collateral.py",
           "    rate_ppm = asset.rate_ppm if balance > 0 else PPM\n", "    rate_ppm = PPM\n",
           "tests/risk/test_collateral.py::test_counted_value_has_the_haircut_on_what_is_owned_only"),
    Mutant("inverse contracts are taken for coins", "bot/domain/instrument.py",
           "            value = abs(quantity) * self.value_multiplier // price\n",
           "            value = abs(quantity) * price\n",
           "tests/domain/test_instrument.py::test_value_of_an_inverse_contract_is_coins"),
    Mutant("a long leg may be turned", "bot/engine/controls/exposure.py",
           "    return (side is PositionSide.LONG and held < 0) or (side is PositionSide.SHORT and held > 0)\n",
           "    return False\n",
           "tests/engine/test_gate.py::test_gate_each_side_of_each_limit_answers_as_the_table_says"),
    Mutant("a hedge goes with the delta", "bot/engine/controls/exposure.py",
           "    if delta * request.side.sign >= 0 or ", "    if delta * request.side.sign <= 0 or ",
           "tests/engine/test_gate.py::test_gate_each_side_of_each_limit_answers_as_the_table_says"),
    Mutant("a hedge may bring liquidation nearer", "bot/engine/controls/exposure.py",
           "    if not bears(before, after, case.limits):\n", "    if after < 0:\n",
           "tests/engine/test_hedge_margin.py::test_hedge_that_brings_liquidation_nearer_is_refused"),
    Mutant("a hedge trades to nothing instead of its band", "bot/engine/deciding/hedging.py",
           "need = abs(solving.missing) - band.to\n", "need = abs(solving.missing)\n",
           f"{T_HEDGING}::test_hedge_trades_to_the_nearest_edge_of_the_band_and_no_further"),
    Mutant("a hedge hedges what a reducer is about to sell", "bot/engine/deciding/hedging.py",
           "0 if now * then <= 0 else min(now, then, key=abs)", "now",
           f"{T_HEDGING}::test_hedge_leaves_alone_what_a_reducer_is_about_to_sell"),
    Mutant("a hedge forgets what reducers have cut", "bot/engine/record/fold_rules.py",
           "            most[position] = min(keep, most.get(position, keep))\n", "            pass\n",
           f"{T_HEDGING}::test_hedge_never_opens_again_what_a_reducer_cuts_and_the_other_leg_goes_instead"),
    Mutant("what a hedge has out is not counted", "bot/engine/record/book.py",
           "            working=self.working[parent.position],\n",
           "            working=0 if parent.is_hedge else self.working[parent.position],\n",
           f"{T_HEDGING}::test_hedge_whose_order_is_unknown_sends_no_lot_of_it_again"),
    Mutant("the cheapest cut is the hedge", "bot/engine/desk.py",
           "if counts[each] > 1 or limit.coins}", "if counts[each] < 0}",
           "tests/engine/test_hedge_margin.py::test_deleverage_cuts_the_hedge_no_further_than_its_band"),
    Mutant("every word of the venue begins all positions anew", CASH,
           "        if quantity and book.quantity[position] * quantity <= 0:\n", "        if quantity:\n",
           "tests/recovery/test_reconciling.py::test_snapshot_told_twice_changes_nothing_the_second_time"),
    # Stops
    Mutant("the old stop is cancelled before the new one stands", "bot/engine/protection/protect.py",
           "        if not self._passed(position, level.trigger):\n            self.place(",
           "        self._cancel(standing, now)\n"
           "        if not self._passed(position, level.trigger):\n            self.place(", f"{T_PROTECT}::{T_GROWN}"),
    Mutant("the stop keeps its first size", "bot/engine/protection/protect.py",
           "            quantity=quantity,\n            limit_price=None,\n",
           "            quantity=max([quantity, *(stop.quantity for stop in self._all(position))]),\n"
           "            limit_price=None,\n",
           f"{T_PROTECT}::test_protect_of_a_shrunk_position_follows_once_in_ten_seconds"),
    Mutant("stops that no longer fit pile up", "bot/engine/protection/protect.py",
           "        self._cancel(standing[: valid[-1]] if valid else [], now) ", "        del valid ",
           f"{T_PROTECT}::test_protect_ends_what_an_older_stop_did_when_a_newer_one_does_it_as_well"),
    Mutant("a bare position is told to nobody", "bot/engine/protection/protect.py",
           "        if not self.is_alarmed[position]:\n", "        if self.is_alarmed[position]:\n",
           T_GUARDED),
    Mutant("a stop takes a leg from its hedge", "bot/engine/protection/groups.py",
           "            share = min(left, abs(exposures[place])) // ", "            share = abs(exposures[place]) // ",
           f"{T_GROUPS}::test_protect_of_a_group_rests_one_stop_for_the_net_on_the_heavier_leg"),
    Mutant("a stop is left larger than the position", "bot/engine/protection/protect.py",
           "            self.desk.timers.set(account, self.look_at[account]) ", "            ",
           "tests/recovery/test_wakes.py"),
    # Data
    Mutant("silence is no staleness", "bot/engine/measures/freshness.py",
           "        mark, desk.columns.mark[instrument] = desk.columns.mark[instrument], None\n",
           "        mark = desk.columns.mark[instrument]\n",
           "tests/engine/test_freshness.py::test_reading_of_a_silent_market_is_unavailable_until_it_is_heard_again"),
    Mutant("silence is told to nobody", "bot/engine/measures/freshness.py",
           "        if holders and mark is not None and ", "        if not holders and mark is not None and ",
           "tests/engine/test_freshness.py::test_holder_is_told_once_when_a_market_falls_silent_and_once_when_it_is_back"),
    Mutant("a wick of one source counts as a loss", "bot/engine/measures/position_readings.py",
           "            return None if mark[instrument] is None or is_disputed[instrument] else compute(position)\n",
           "            return None if mark[instrument] is None else compute(position)\n",
           "tests/engine/test_divergence.py::test_wick_of_the_mark_alone_fires_no_rule_on_loss_and_a_fall_of_all_does"),
    Mutant("the venue's own sums of margin are not heeded", "bot/engine/protection/venue_margin.py",
           "    desk.columns.withhold(account, missing=missing, extra=extra)\n",
           "    desk.columns.withhold(account, missing=0, extra=0)\n",
           "tests/engine/test_venue_margin.py::"
           "test_guard_fires_by_the_venues_word_and_sells_until_it_is_met_by_that_word"),
    Mutant("time may go back", "bot/engine/engine.py", "        if now < book.now:\n", "        if now < 0:\n",
           "tests/engine/test_engine.py::test_step_back_in_time_is_our_own_fault"),
    Mutant("a key given twice is taken", "bot/settings/document.py", "            if key.text in first:\n",
           "            if not key.text:\n",
           "tests/settings/test_bad_documents.py::test_parse_of_a_bad_document_says_place_finding_and_cure"),
    # Journal and restart
    Mutant("journal after send", "bot/app/session.py",
           "        if any(not isinstance(effect, LookUpOrder) for effect in effects):\n"
           "            self.journal.commit()\n",
           "", f"{T_KILLS}[stop_loss]"),
    Mutant("the chain of digests is not looked at", "bot/adapters/journal/reader.py", " or digest != written:\n", ":\n",
           f"{T_FAULTS}::test_journal_bits_flipped_anywhere_never_changes_what_is_read"),
    Mutant("a batch is not chained to the one before it", "bot/adapters/journal/chain.py",
           "    running = hashlib.sha256(digest)\n", "    running = hashlib.sha256()\n",
           f"{T_FAULTS}::test_journal_tampered_with_is_not_opened"),
    Mutant("a decision changes the book and is not recorded", "bot/engine/desk.py",
           "        self.out.append(effect)\n",
           "        if type(effect).__name__ != \"MoveTrigger\":\n            self.out.append(effect)\n",
           f"{T_RECOVERY}::test_refold_from_zero_gives_the_book_at_every_checkpoint"),
    Mutant("trade ids are kept for ever", FOLD, "    if len(account.trade_ids) > TRADE_IDS_KEPT:\n",
           "    if len(account.trade_ids) < 0:\n", f"{T_FOLD}::test_fold_remembers_only_so_many_trade_ids"),
    Mutant("what waits for the disk has no bound", "bot/adapters/journal/sqlite.py",
           "        if len(self._pending) >= PENDING_MAX:\n", "        if len(self._pending) < 0:\n",
           "tests/adapters/test_journal.py::test_journal_too_much_pending_is_refused"),
    Mutant("fsync off", "bot/adapters/journal/schema.py", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF",
           "tests/adapters/test_journal.py"),
    Mutant("no order is looked up after a restart", "bot/engine/engine.py",
           "            self.desk.emit(LookUpOrder(account, order.name, event.now))\n",
           "            del account, order\n",
           f"{T_MISSED}::test_engine_after_a_restart_asks_for_every_order_that_was_out"),
    Mutant("nothing is caught up after a restart", "bot/engine/engine.py",
           "            catch_up(self.desk, account)\n", "",
           f"{T_RESTORED}::test_run_with_an_older_journal_tells_of_orders_that_it_does_not_know"),
    Mutant("names a dead process may have sent are used again", "bot/engine/protection/adoption.py",
           "    if is_first:\n", "    if False:\n",
           "tests/engine/test_after_kill.py::test_name_that_a_dead_process_may_have_sent_is_never_used_again"),
    Mutant("names the venue knows are used again", "bot/engine/protection/catching_up.py", "    if is_unknown:\n",
           "    if False:\n",
           T_RESTORED),
    Mutant("the venue forgets what it told", "paper/history.py", "    del account.told[:-TOLD_KEPT]\n",
           "    account.told.clear()\n",
           f"{T_MISSED}::test_venue_tells_numbered_facts_again_after_a_number_and_orders_since_a_time"),
)
