"""Each way in which mutations.py breaks the meter: the guarantee, what is changed, and the test that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A text in a file, and what stands there instead. It must be there exactly once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A defect, and the test that is named for it in docs/guarantees.md."""

    guarantee: str
    defect: str
    test: str
    changes: tuple[Change, ...]


def mutant(guarantee: str, defect: str, test: str, path: str, *texts: tuple[str, str]) -> Mutant:
    """Return a mutant that changes one file, in one place or several."""
    return Mutant(guarantee, defect, test, tuple(Change(path, old, new) for old, new in texts))


PIPELINE = "token_meter/pipeline.py"
USAGE = "kql/functions/TokenUsage.kql"
NOTHING_LOST = (
    mutant(
        "one bad record harms no other",
        "a fault of the decoder goes on",
        "test_meter.py::test_an_event_that_the_decoder_fails_on_is_one_rejected_record",
        "token_meter/meter.py",
        (
            "    except Exception as fault:  # noqa: BLE001 - promise 5: one bad event never",
            "    except ZeroDivisionError as fault:  # one bad event never",
        ),
    ),
    mutant(
        "one bad record harms no other",
        "a fault of the meter goes on",
        "test_meter.py::test_a_record_that_the_meter_fails_on_is_rejected_alone",
        "token_meter/meter.py",
        (
            "    except Exception as fault:  # noqa: BLE001 - promise 5: one bad record never",
            "    except ZeroDivisionError as fault:  # one bad record never",
        ),
    ),
    mutant(
        "received = metered + rejected + ignored",
        "an outcome that does not balance is kept",
        "test_order.py::test_an_outcome_that_does_not_balance_is_not_kept",
        "token_meter/meter.py",
        ("        if not self.balanced:", "        if not self.balanced and self.received < 0:"),
    ),
    mutant(
        "received = metered + rejected + ignored",
        "the ledger's received is the sum of what became of it",
        "test_ledger.py::test_a_record_that_nothing_became_of_shows_as_a_batch_that_does_not_balance",
        "token_meter/batch_row.py",
        ("    if len(rows) == 1:", "    if not rows:"),
    ),
    mutant(
        "letters, rows, ledger, counters, in that order",
        "dead letters are stored after the rows",
        "test_order.py::test_letters_then_rows_then_the_ledger_then_metrics",
        PIPELINE,
        ("        self._set_aside(outcome.rejected, started)\n", ""),
        (
            "        # 3. the ledger tells that they were\n",
            "        self._set_aside(outcome.rejected, started)\n",
        ),
    ),
    mutant(
        "a step that fails fails the batch",
        "a sink's failure is swallowed",
        "test_order.py::test_a_step_that_fails_fails_the_batch_and_nothing_later_happens",
        PIPELINE,
        (
            "        return self.sink.write(rows) if rows else ()",
            "        try:\n            return self.sink.write(rows) if rows else ()\n"
            "        except Exception:\n            return ()",
        ),
    ),
    mutant(
        "a sink that fails fails the invocation",
        "refusals of the service are swallowed",
        "test_function.py::test_a_refusal_of_the_service_fails_the_invocation_and_the_retry_is_complete",
        "token_meter/sinks/logs_ingestion.py",
        ("            raise IngestionFailed(told(outcome.failures))", "            told(outcome.failures)"),
    ),
    mutant(
        "the partition waits until its batch is through",
        "retries end after five",
        "test_function.py::test_the_host_is_told_to_hold_the_partition_until_a_batch_is_through",
        "functions/meter_events.py",
        ('    max_retry_count="-1",', '    max_retry_count="5",'),
    ),
    mutant(
        "every request's outcome is known",
        "the last of several chunks is dropped",
        "test_ingestion.py::test_many_rows_go_in_requests_that_the_service_takes",
        "token_meter/sinks/uploads.py",
        ("pool.map(self._send, divided)", "pool.map(self._send, divided[: max(1, len(divided) - 1)])"),
    ),
    mutant(
        "every request's outcome is known",
        "a chunk that failed counts as sent",
        "test_ingestion.py::test_a_chunk_that_fails_fails_the_write_and_the_others_are_still_sent",
        "token_meter/sinks/uploads.py",
        (
            "                return Sent(failures=[failure])\n        except AzureError",
            "                return Sent(accepted=len(chunk))\n        except AzureError",
        ),
    ),
    mutant(
        "no request is over the service's limit",
        "a chunk is closed one row late",
        "test_ingestion.py::test_a_chunk_is_full_to_the_byte",
        "token_meter/sinks/chunks.py",
        ("        if chunk and size + length > LARGEST_CHUNK:", "        if chunk and size > LARGEST_CHUNK:"),
    ),
    mutant(
        "a refused row is set aside",
        "refused rows are forgotten",
        "test_refused_rows.py::test_a_refused_row_is_a_record_that_could_not_be_metered",
        PIPELINE,
        ("        if refused:\n            outcome", "        if refused and not outcome.rows:\n            outcome"),
    ),
    mutant(
        "a checkpoint comes after the rows",
        "it comes before them",
        "test_consume.py::test_a_checkpoint_comes_after_the_rows_and_the_ledger",
        "token_meter/sources/hub.py",
        (
            "        pause = self._how.first_pause\n        while True:",
            "        pause = self._how.first_pause\n        await self._checkpoint(partition, events[-1], batch)\n"
            "        while True:",
        ),
    ),
    mutant(
        "a hub made anew is not taken for metered",
        "checkpoints ahead of the hub are believed",
        "test_consume.py::test_a_hub_that_was_made_anew_is_not_taken_for_metered",
        "token_meter/sources/hub_progress.py",
        ('            if metered.get(item["id"], -1) > last:', '            if metered.get(item["id"], -1) < -1:'),
    ),
    mutant(
        "a failed batch is never passed over",
        "the consumer goes on to the next one",
        "test_consume.py::test_a_batch_that_the_sink_does_not_take_is_tried_until_it_does",
        "token_meter/sources/hub.py",
        (
            "                return False\n            pause = min",
            "                return True\n            return True\n            pause = min",
        ),
    ),
    mutant(
        "a batch fails before the host ends it",
        "steps begin however late it is",
        "test_in_time.py::test_a_batch_fails_before_the_host_ends_it_however_slow_its_stores_are",
        "token_meter/sinks/in_time.py",
        ("        if self.clock() > self.moment:", "        if self.clock() < 0:"),
    ),
    mutant(
        "a batch fails before the host ends it",
        "the SDK waits for a token as it likes",
        "test_credentials.py::test_an_endpoint_that_asks_for_an_hour_is_not_waited_for",
        "token_meter/credentials.py",
        ('        "retry_total": 0,\n', ""),
    ),
    mutant(
        "secrets are taken out of what is kept",
        "dead letters hold the bytes as they came",
        "test_shape_laws.py::test_a_rejected_sample_keeps_no_secret_in_its_letter",
        "token_meter/sinks/dead_letters.py",
        ("None if is_above else scrub(item.body)", "None if is_above else item.body"),
    ),
    mutant(
        "what was never metered is a gap",
        "a batch covers all numbers up to its last",
        "test_ledger.py::test_gaps_are_the_numbers_that_no_batch_covers",
        "kql/functions/TokenGaps.kql",
        ("    | where Number >= BatchFirst and Number <= BatchLast\n", "    | where Number <= BatchLast\n"),
    ),
    mutant(
        "what was never metered is a gap",
        "an event that came twice stands for one that is missing",
        "test_ledger.py::test_events_that_come_twice_fill_no_hole",
        "token_meter/batch_row.py",
        ("        events=len(events) - (len(numbers) - len(set(numbers))),", "        events=len(events),"),
    ),
    mutant(
        "what was never metered is a gap",
        "batches of the hub as it was before cover the new one's numbers",
        "test_ledger.py::test_a_hub_that_was_made_anew_does_not_lend_its_numbers",
        "kql/functions/TokenGaps.kql",
        (
            "    | where BatchBegan <= Came + 1s and (isnull(MadeAnew) or BatchEnded > MadeAnew)\n",
            "    | where BatchBegan <= Came + 1s\n",
        ),
    ),
    mutant(
        "rows that were never stored show",
        "rows of an older revision count as found",
        "test_ledger.py::test_rows_of_an_older_revision_do_not_stand_for_those_that_replace_them",
        "kql/functions/TokenUnstored.kql",
        ("\n        and Revision >= Wanted", ""),
    ),
    mutant(
        "rows that were never stored show",
        "rows of an older hub of that name count as found",
        "test_ledger.py::test_a_hub_that_was_made_anew_does_not_lend_its_rows",
        "kql/functions/TokenUnstored.kql",
        (
            "\n        and EnqueuedTime >= FirstEnqueuedTime - 1s and EnqueuedTime <= LastEnqueuedTime + 1s",
            "",
        ),
    ),
)
NOTHING_TWICE = (
    mutant(
        "a row's identity depends on no arrival",
        "it depends on when the record was metered",
        "test_meter.py::test_metering_again_gives_the_same_row",
        "token_meter/identity.py",
        (
            "    parts = [call_id, attempt, record.shape, record.kind.value, record.part]",
            '    parts = [call_id, attempt, record.shape, record.kind.value, __import__("time").time_ns()]',
        ),
    ),
    mutant(
        "a newer revision replaces an older one",
        "rows of both stay side by side",
        "test_token_usage.py::test_the_highest_revision_of_the_meter_wins",
        USAGE,
        ("    | join kind=inner (Ordered | summarize Order = min(Order) by EventId) on EventId, Order);", ");"),
    ),
    mutant(
        "a newer revision replaces an older one",
        "the fold knows no revisions",
        "test_token_usage.py::test_the_highest_revision_of_the_meter_wins",
        USAGE,
        ("(100000 - coalesce(MeterRevision, 0)) * 10000000000000", "(100000 - 0) * 10000000000000"),
    ),
    mutant(
        "adjacent periods divide the calls",
        "a period's end belongs to it",
        "test_token_usage.py::test_a_period_has_its_start_and_not_its_end",
        USAGE,
        (
            "and (isnull(end) or CallTime < end)\n| extend AppConflict",
            "and (isnull(end) or CallTime <= end)\n| extend AppConflict",
        ),
    ),
    mutant(
        "late arrivals are in the month of the call",
        "a period is cut by the time of arrival",
        "test_late_replay.py::test_calls_that_arrive_forty_days_late_are_in_the_month_in_which_they_were_made",
        USAGE,
        ("    | where isnull(end) or CallTime < end + 7d;", "    | where isnull(end) or TimeGenerated < end + 7d;"),
    ),
    mutant(
        "a retried batch replaces its letter",
        "each letter has a name of its own",
        "test_dead_letters.py::test_a_batch_stored_again_replaces_its_letters",
        "token_meter/sinks/dead_letters.py",
        (
            "    digest = hashlib.sha256(dump_json([rejected_event_id(item) for item in rejected])).hexdigest()[:16]",
            "    digest = os.urandom(8).hex()",
        ),
    ),
    mutant(
        "a retried batch is not held by the letter that it has left",
        "a letter that may not be replaced counts as not kept",
        "test_dead_letter_blobs.py::test_a_letter_that_may_not_be_replaced_is_kept_already",
        "token_meter/sinks/dead_letter_blobs.py",
        ("            if not self._has(name, fault):", "            if name:"),
    ),
    mutant(
        "recovered is what is in the bill",
        "a replay's word is believed for ever",
        "test_token_rejected.py::test_a_record_whose_usage_never_came_is_not_recovered",
        "kql/functions/TokenRejected.kql",
        ("(isnull(SequenceNumber) or SaidMetered >= now() - grace)", "true"),
    ),
    mutant(
        "a retried batch is one batch",
        "its identity in the ledger is made up",
        "test_ledger.py::test_the_same_batch_has_the_same_identity_whenever_it_is_metered",
        "token_meter/batch_row.py",
        ("    content = dump_json([*ends, len(events)])", '    content = __import__("os").urandom(8)'),
    ),
)
NOTHING_CLAIMED = (
    mutant(
        "the best source wins",
        "counted goes before reported",
        "test_token_usage.py::test_the_better_source_wins_for_each_number_by_itself",
        USAGE,
        (
            "PromptRank = case(PromptSource == 'reported', 3, PromptSource == 'counted', 2, PromptSource == 'estimated', 1, 0),",
            "PromptRank = case(PromptSource == 'reported', 2, PromptSource == 'counted', 3, PromptSource == 'estimated', 1, 0),",
        ),
    ),
    mutant(
        "unknown is null, never 0",
        "a completion that nobody knows is 0",
        "test_token_usage.py::test_what_nobody_knows_is_null_and_never_zero",
        USAGE,
        (
            "    CompletionTokens = iff(CompletionKnown > 0, Completion, long(null)),",
            "    CompletionTokens = coalesce(Completion, 0),",
        ),
    ),
    mutant(
        "no content reaches a row",
        "a row holds the request",
        "test_meter.py::test_no_content_reaches_a_row",
        "token_meter/observe.py",
        ("        custom=custom,", '        custom={"request": str(record.request_body)},'),
    ),
)
COUNTERS = (
    mutant(
        "counters never fail a batch",
        "what their libraries raise goes on",
        "test_metrics_failures.py::test_whatever_the_libraries_raise_costs_no_batch",
        "token_meter/metrics/counters.py",
        (
            "        except Exception as fault:  # noqa: BLE001 - counters",
            "        except ZeroDivisionError as fault:  # counters",
        ),
    ),
    mutant(
        "counters hold a batch up for a bounded time",
        "an endpoint is waited for as long as it takes",
        "test_metrics_failures.py::test_an_endpoint_that_never_answers_is_waited_for_no_longer_than_a_batch_may",
        "token_meter/metrics/flush.py",
        ("            thread.join(max(0.0, end - self._clock()))", "            thread.join()"),
    ),
    mutant(
        "a replay counts nothing",
        "it counts",
        "test_metrics.py::test_a_replay_sends_nothing",
        "token_meter/metrics/counters.py",
        ("        if via is Via.REPLAY:", "        if via is None:"),
    ),
    mutant(
        "a bounded number of series",
        "every combination is kept",
        "test_metrics.py::test_beyond_the_cap_combinations_are_counted_as_other",
        "token_meter/metrics/series.py",
        ("            if len(self._known) < self._most:", "            if self._most:"),
    ),
    mutant(
        "a call counts once, by its answer",
        "the request's half counts as well",
        "test_metrics_counting.py::test_of_two_halves_the_answer_counts",
        "token_meter/metrics/counted.py",
        ("    return reported or answered or bool(", "    return True or bool("),
    ),
    mutant(
        "what comes again is not counted again",
        "marks are not looked at",
        "test_metrics_counting.py::test_what_is_delivered_to_a_process_again_is_not_counted_again",
        "token_meter/metrics/counted.py",
        ("        if mark is None or origin.sequence_number is None:", "        if True:"),
    ),
    mutant(
        "counters are sent as differences",
        "they are sent as sums",
        "test_metrics.py::test_a_batch_is_sent_as_the_difference_to_the_one_before",
        "token_meter/metrics/exporters.py",
        (
            "AggregationTemporality.CUMULATIVE if options.cumulative else AggregationTemporality.DELTA",
            "AggregationTemporality.CUMULATIVE",
        ),
    ),
)
MUTANTS = (*NOTHING_LOST, *NOTHING_TWICE, *NOTHING_CLAIMED, *COUNTERS)
