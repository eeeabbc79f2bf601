"""Actions are declared once: both worlds carry out each, under the names the ABIs have."""

from __future__ import annotations

from collections import Counter

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from simulator.books.operations import LIQUIDATIONS
from simulator.chain.calls.execution import CALLERS
from simulator.chain.deploy import artifacts
from simulator.chain.deploy.addresses import Roles
from simulator.chain.evm.abi import Encoder, encoder
from simulator.chain.evm.codec import Contract, selector
from simulator.chain.evm.revm import RevmTransport
from simulator.model.kernel.kinds import CODE
from simulator.protocol.action_spec import ActionSpec, Role
from simulator.protocol.statuses import STATUS_OF_REVERT
from simulator.world import actions
from simulator.world.actions import ACTIONS, COUNTED, Action
from tests.refusals_walk import PARTS, functions_of, modules_of, reasons_of

MARKET = [
    component["name"]
    for entry in artifacts.load("ClearingHouse").abi
    if entry.get("name") == "add_market"
    for component in entry["inputs"][0]["components"]
]


def test_every_action_of_the_module_is_listed_once_and_by_name() -> None:
    declared = {kind for kind in Action.__subclasses__() if kind.__module__ == actions.__name__}
    assert set(ACTIONS) == declared
    assert [kind.__name__ for kind in ACTIONS] == sorted(kind.__name__ for kind in declared)


def test_every_action_is_written_for_the_chain_by_one_method() -> None:
    written = Counter(kind for caller in CALLERS for kind in caller.writers())
    assert written == dict.fromkeys(ACTIONS, 1)


def test_names_of_columns_and_of_actions_are_nobody_elses() -> None:
    assert len(set(COUNTED.values())) == len(COUNTED)
    assert len({kind.spec.called for kind in ACTIONS}) == len(ACTIONS)
    keepers = [kind.spec.task for kind in actions.KEEPER_FUNCTIONS]
    assert len(set(keepers)) == len(keepers)
    liquidations = {CODE[kind] for kind in ACTIONS if kind.spec.role is Role.LIQUIDATION}
    assert set(LIQUIDATIONS) < liquidations


@pytest.mark.parametrize("kind", ACTIONS, ids=lambda kind: kind.__name__)
def test_the_contract_has_the_functions_and_somebody_the_role(kind: type[Action]) -> None:
    known = encoder(kind.spec.contract)
    assert all(known.has(function) for function in kind.spec.functions)
    assert kind.spec.sender == "" or kind.spec.sender in Roles.__annotations__


def test_an_action_without_a_declaration_is_refused() -> None:
    with pytest.raises(TypeError, match="Silent has no spec"):
        type("Silent", (Action,), {})


@pytest.mark.parametrize("change", [{"counts": ""}, {"task": ""}])
def test_half_a_declaration_is_refused(change: dict[str, str]) -> None:
    whole = vars(actions.Rebalance.spec)
    with pytest.raises(ValueError, match="rebalance"):
        ActionSpec(**{**whole, **change})


#: What a function of an action can refuse and no agent meets, as it is called here.
NEVER_MET = {
    "clearing: delegatecall only": "parts are called through their house",
    "vault: not delegated": "likewise",
    "roles: not the risk manager": "the spec's sender is",
    "clearing: bad parameter": "factor_words refuses such a factor before",
    "vault: wrong number of betas": "there is one by market",
    "clearing: no collateral": "the index is one of the configuration's",
    "clearing: transfer failed": "tokens here revert with a reason of their own",
    "vault: transfer failed": "likewise",
    "vault: zero receiver": "the receiver is the agent",
    "vault: insufficient allowance": "the owner redeems",
}
OUR_OWN = tuple(kind for kind in ACTIONS if kind.spec.contract in PARTS)


def refused(kind: type[Action]) -> set[str]:
    """What the functions of an action can refuse, walked off the sources."""
    contracts = (kind.spec.contract, *PARTS[kind.spec.contract])
    places = {*contracts}.union(*map(modules_of, contracts))
    return {
        reason
        for function in kind.spec.functions
        for place in places
        if "@external" in functions_of(place).get(function, ("", ""))[0]
        for reason in reasons_of(place, function)
    }


@pytest.mark.parametrize("kind", OUR_OWN, ids=lambda kind: kind.__name__)
def test_what_its_contract_refuses_has_a_status(kind: type[Action]) -> None:
    reasons = refused(kind)
    assert reasons & STATUS_OF_REVERT.keys()
    assert not reasons - STATUS_OF_REVERT.keys() - NEVER_MET.keys()


def test_what_is_never_met_can_be_refused_to_others() -> None:
    assert set().union(*map(refused, OUR_OWN)) - STATUS_OF_REVERT.keys() == NEVER_MET.keys()


MIXED = {
    "type": "function",
    "name": "mix",
    "inputs": [
        {"name": "first", "type": "uint256"},
        {"name": "rows", "type": "int32[2][]"},
        {
            "name": "pair",
            "type": "tuple",
            "components": [
                {"name": "left", "type": "int256"},
                {"name": "right", "type": "bool"},
            ],
        },
        {"name": "last", "type": "int256[]"},
    ],
}
int32 = st.integers(-(2**31), 2**31 - 1)
int256 = st.integers(-(2**255), 2**255 - 1)


@given(st.lists(st.tuples(int32, int32), max_size=4), st.lists(int256, max_size=4), int256)
def test_calldata_by_name_is_the_abis(
    rows: list[tuple[int, int]], last: list[int], left: int
) -> None:
    types = ["uint256", "int32[2][]", "(int256,bool)", "int256[]"]
    flat = [entry for row in rows for entry in row]
    ours = Encoder([MIXED])("mix", last=last, right=True, left=left, rows=flat, first=7)
    whole = encode(types, [7, rows, (left, True), last])
    assert ours == selector("mix(uint256,int32[2][],(int256,bool),int256[])") + whole


@pytest.mark.parametrize(
    "arguments", [{"market": 1}, {"account": 1, "place": 2}, {"account": 1, "market": 2, "x": 3}]
)
def test_a_wrong_name_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"liquidate\(uint256,uint256\): takes"):
        encoder("ClearingHouse")("liquidate", **arguments)


def test_a_struct_is_given_by_its_components_names() -> None:
    house = Contract(artifacts.load("ClearingHouse"), "0x" + "11" * 20, RevmTransport())
    terms = {name: place for place, name in enumerate(MARKET)}
    by_name = house.calldata("add_market", parameters={**terms, "asset": "0x" + "22" * 20})
    assert by_name == house.calldata("add_market", ("0x" + "22" * 20, *range(1, len(MARKET))))
    with pytest.raises(TypeError, match="skew_scale"):
        house.calldata("add_market", parameters={"asset": "0x" + "22" * 20})
