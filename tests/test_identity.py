"""Who called, which deployment, and which call it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.records import CHAT_URL, REQUEST_ID, bearer, chat_answer, event, metered, record, row_of, without
from token_meter import Origin, meter
from token_meter.codes import AppIdSource, Note

HUB = Origin(
    hub="contoso-ai/usage",
    partition="3",
    sequence_number=41,
    enqueued_time=datetime(2026, 10, 5, 10, 0, 1, 250_000, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("verified", "source"),
    [(True, AppIdSource.VALIDATED), (False, AppIdSource.UNVERIFIED_TOKEN), (None, AppIdSource.DECLARED)],
)
def test_an_app_id_as_given_is_as_sure_as_the_gateway_says(verified: bool | None, source: AppIdSource) -> None:
    """Only a token that a policy validated makes it validated."""
    row = row_of(appId="app-1", appIdVerified=verified)

    assert ("app-1", source) == (row.app_id, row.app_id_source)


@pytest.mark.parametrize(("claims", "app"), [({"appid": "a", "azp": "b"}, "a"), ({"azp": "b"}, "b")])
def test_without_one_the_app_is_read_from_the_logged_token(claims: dict[str, str], app: str) -> None:
    """`appid` (version 1 tokens), else `azp` (version 2), and it is marked as unverified."""
    header = bearer(**claims, tid="tenant", oid="user")

    row = row_of(appId=None, appIdVerified=None, requestHeaders={"Authorization": header})

    assert (app, AppIdSource.UNVERIFIED_TOKEN) == (row.app_id, row.app_id_source)
    assert ("tenant", "user") == (row.entra_tenant_id, row.user_object_id)


def test_the_gateways_word_comes_before_the_token() -> None:
    """A token in a header cannot overrule what the gateway says."""
    row = row_of(appId="app-1", requestHeaders={"Authorization": bearer(appid="someone-else")})

    assert ("app-1", AppIdSource.VALIDATED) == (row.app_id, row.app_id_source)


@pytest.mark.parametrize(
    "header", ["Bearer x", "Bearer a.!!!.c", "Bearer a.bnVsbA.c", "Basic YTpi", "Bearer " + "a." * 99999]
)
def test_a_token_that_cannot_be_read_is_noted(header: str) -> None:
    """No application is invented out of it."""
    row = row_of(appId=None, requestHeaders={"Authorization": header})

    assert ("", AppIdSource.NONE) == (row.app_id, row.app_id_source)
    assert Note.UNVERIFIABLE_TOKEN in (row.notes or ())


def test_a_token_stands_nowhere_in_the_row() -> None:
    """It is read and forgotten."""
    header = bearer(appid="a", secret="swordfish")

    row = row_of(appId=None, requestHeaders={"Authorization": header})

    assert header.split(".")[1] not in repr(row)
    assert "swordfish" not in repr(row)


@pytest.mark.parametrize(
    ("fields", "deployment"),
    [
        ({"url": "/openai/deployments/chat-prod/chat/completions?api-version=1"}, "chat-prod"),
        ({"url": "https://gw.example/x/openai/deployments/my%2Dchat/completions"}, "my-chat"),
        ({"url": "/openai/v1/chat/completions", "requestBody": {"model": "gpt-5-team"}}, "gpt-5-team"),
        (
            {"url": "/openai/v1/chat/completions", "responseHeaders": {"x-ms-deployment-name": "from-header"}},
            "from-header",
        ),
        ({"url": "/openai/v1/chat/completions"}, ""),
    ],
)
def test_the_deployment_is_of_the_path_else_the_body_else_the_headers(
    fields: dict[str, object], deployment: str
) -> None:
    """In this order, and empty where none tells."""
    assert deployment == row_of(**fields).deployment


def test_the_call_is_the_gateways_request_id() -> None:
    """It joins to `CorrelationId` in APIM's own logs."""
    assert REQUEST_ID == row_of().call_id


def test_without_it_the_call_is_the_services_response_id() -> None:
    """The service chose it, so no client can."""
    row = metered(without(record(), "requestId")).rows[0]

    assert "chatcmpl-1" == row.call_id == row.service_response_id


def test_without_either_the_call_is_its_place_on_the_hub() -> None:
    """To the second, since Capture writes no fraction of it."""
    bare = without(record(responseBody=""), "requestId")

    row = metered(bare, origin=HUB).rows[0]
    captured = metered(bare, origin=replace(HUB, enqueued_time=datetime(2026, 10, 5, 10, 0, 1, tzinfo=UTC))).rows[0]

    assert "hub:contoso-ai/usage/3/41/20261005T100001Z/0" == row.call_id == captured.call_id


def test_two_records_at_one_place_are_two_calls() -> None:
    """Their index in the event tells them apart."""
    bare = without(record(responseBody=""), "requestId")

    rows = metered(bare, bare, origin=HUB).rows

    assert 2 == len({row.call_id for row in rows}) == len({row.event_id for row in rows})


def test_a_sequence_number_used_again_after_a_hub_was_made_anew_is_another_call() -> None:
    """The enqueued time is part of the place."""
    bare = without(record(responseBody=""), "requestId")
    later = replace(HUB, enqueued_time=(HUB.enqueued_time or datetime.now(UTC)) + timedelta(days=9))

    assert metered(bare, origin=HUB).rows[0].call_id != metered(bare, origin=later).rows[0].call_id


def test_with_nothing_else_the_call_is_its_content() -> None:
    """The order of keys is no content, and the row says how it was identified."""
    bare = without(record(responseBody=""), "requestId")
    turned = dict(reversed(bare.items()))

    first, second = metered(bare).rows[0], metered(turned).rows[0]

    assert first.call_id == second.call_id
    assert first.call_id.startswith("content:")
    assert Note.IDENTITY_BY_CONTENT in (first.notes or ())


def test_a_client_cannot_forge_its_way_into_another_callers_call() -> None:
    """No header or body field of the request names a call; the two stay two calls with their own numbers."""
    victim = record(appId="victim", requestId="victim-call")
    names = ("x-request-id", "x-ms-client-request-id", "request-id", "apim-request-id", "x-correlation-id")
    forged_headers = dict.fromkeys(names, "victim-call")
    forged_body = {"id": "victim-call", "requestId": "victim-call", "messages": [{"role": "user", "content": "hi"}]}
    attack = record(appId="attacker", requestHeaders=forged_headers, requestBody=forged_body)

    for attacker_record in (attack, without(attack, "requestId"), without(attack, "requestId", "responseBody")):
        mine, theirs = metered(victim, attacker_record).rows

        assert "victim-call" == mine.call_id != theirs.call_id
        assert mine.event_id != theirs.event_id


def test_the_same_event_has_the_same_identity_wherever_it_is_metered() -> None:
    """Neither the batch nor the neighbours are part of it."""
    one = event(record(), origin=HUB)
    other = event(record(requestId="other"))

    assert meter([one]).rows[0].event_id == meter([other, one, one]).rows[1].event_id


def test_halves_of_a_call_and_its_attempts_are_observations_of_their_own() -> None:
    """Same call, different `EventId`s."""
    rows = metered(record(kind="request"), record(kind="response"), record(attempt=2), record()).rows

    assert {REQUEST_ID} == {row.call_id for row in rows}
    assert 4 == len({row.event_id for row in rows})


def test_a_text_too_long_for_a_name_stands_as_a_hash_of_its_own() -> None:
    """It tells two of them apart and shows nothing of either."""
    first, second = row_of(appId="secret plan " * 99 + "1"), row_of(appId="secret plan " * 99 + "2")

    assert first.app_id.startswith("[removed]#")
    assert "plan" not in first.app_id
    assert first.app_id != second.app_id
    assert Note.NOT_A_NAME in (first.notes or ())


def test_control_characters_do_not_reach_a_row() -> None:
    """A line break in a name breaks no log line, and makes it no name."""
    row = row_of(appId="a\nb\x00c", url=CHAT_URL.replace("gpt-4o-prod", "d%0Ae"))

    assert ("[removed]", "") == (row.app_id.partition("#")[0], row.deployment)
    assert Note.NOT_A_NAME in (row.notes or ())


PROSE = "Tell my doctor that the test was positive"


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "/openai/v1/chat/completions", "requestBody": {"model": PROSE, "messages": []}},
        {"responseBody": {**chat_answer(), "model": PROSE}},
        {"responseBody": {**chat_answer(), "choices": [{"finish_reason": PROSE, "message": {"content": "Hi"}}]}},
        {"responseHeaders": {"x-ms-served-model": PROSE}},
        {"url": CHAT_URL.replace("gpt-4o-prod", PROSE.replace(" ", "%20"))},
        {"responseBody": {**chat_answer(), "id": PROSE}},
        {"requestId": PROSE},
    ],
)
def test_free_text_in_place_of_a_name_reaches_no_column(fields: dict[str, object]) -> None:
    """Content never enters a table, whichever field it is put in."""
    row = row_of(**fields)

    assert "doctor" not in repr(row)
    assert Note.NOT_A_NAME in (row.notes or ())


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-2024-08-06",
        "ft:gpt-4o-mini-2024-07-18:contoso:helpdesk:9abcDEF0",
        "meta-llama/Llama-3.3-70B-Instruct",
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "claude-3-opus@20240229",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0",
    ],
)
def test_every_vendors_names_of_models_are_names(name: str) -> None:
    """They stand in their columns as they are."""
    row = row_of(requestBody={"model": name, "messages": []}, responseBody={**chat_answer(), "model": name})

    assert name == row.requested_model == row.served_model
    assert Note.NOT_A_NAME not in (row.notes or ())


def test_the_served_model_is_the_services_word() -> None:
    """A header of the service, else the body; a Responses body of Azure only echoes the deployment's name."""
    echo = {"object": "response", "model": "my-deployment", "output": []}
    request = {"model": "my-deployment", "input": "hi"}

    assert "gpt-4o-2024-08-06" == row_of().served_model
    assert "o4-mini-2025-04-16" == row_of(responseHeaders={"x-ms-served-model": "o4-mini-2025-04-16"}).served_model
    assert "" == row_of(url="/openai/v1/responses", requestBody=request, responseBody=echo).served_model
    assert "gpt-4o-2024-08-06" == row_of(responseBody=chat_answer(), requestBody={"model": "gpt-4o"}).served_model
