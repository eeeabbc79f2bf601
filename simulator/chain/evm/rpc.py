"""Any node over JSON-RPC (web3.py): Anvil, eth-tester, a devnet.

A transaction is first tried by ``eth_call`` on the latest block, which gives its return data or its
revert data, and only then signed and sent; a refused one never is. Keys are derived from account
names, so no key is stored anywhere and the same name is the same address on every node.

Block time: Anvil mines any number of blocks at one timestamp, so a step's transactions share theirs
as they do in process. Other nodes want rising timestamps: there each transaction of a step is a
second later than the one before it.
"""

from __future__ import annotations

import re
from ast import literal_eval
from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_tester.exceptions import TransactionFailed  # type: ignore[import-untyped]
from eth_utils import keccak, to_checksum_address
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError

from simulator.chain.evm.codec import Reverted, encode_error
from simulator.chain.evm.transport import Transport
from simulator.types import InputError, SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount

DEFAULT_URL = "http://127.0.0.1:8545"
GAS_LIMIT = 29_000_000  # under the 30 million of common block limits
FUNDING_WEI = 10 * 10**18
RECEIPT_TIMEOUT_SECONDS = 120

_REVERT_MESSAGE = "execution reverted: "
_BYTES = re.compile(r"""b'.*'|b".*\"""")


class NodeError(SimulatorError, RuntimeError):
    """The node did something else than asked: names the request and its answer."""


class RpcTransport(Transport):
    """One node. ``fund`` sends ether to an address without any; default: the node itself."""

    def __init__(self, web3: Web3, fund: Callable[[str], None] | None = None) -> None:
        self.web3 = web3
        self._fund = fund or self._fund_from_node
        self._signers: dict[str, LocalAccount] = {}
        self._logs: list[Any] = []
        self.gas_used = 0  # by the last transaction
        # Some nodes charge even a dry run, so views are called by an account that has ether.
        self._observer = "0x" + "00" * 20
        self._client = web3.client_version.lower()
        if "anvil" in self._client:
            self._request("anvil_setBlockTimestampInterval", 0)

    @classmethod
    def connect(cls, url: str = DEFAULT_URL) -> RpcTransport:
        """Transport to the node at ``url``; :class:`InputError` when nothing answers there."""
        web3 = Web3(HTTPProvider(url))
        if not web3.is_connected():
            raise InputError(f"transport = {url!r}: no Ethereum node answers at this URL")
        return cls(web3)

    def account(self, name: str) -> str:
        """See :meth:`Transport.account`."""
        signer = Account.from_key(keccak(text=f"hedgesim {name}"))
        address = str(signer.address).lower()
        if address not in self._signers:
            self._signers[address] = signer
            self._observer = address
            if self.web3.eth.get_balance(signer.address) < FUNDING_WEI // 2:
                self._fund(signer.address)
        return address

    def deploy(self, sender: str, code: bytes) -> str:
        """See :meth:`Transport.deploy`."""
        self._call(sender, None, code)
        return str(self._send(sender, None, code)["contractAddress"]).lower()

    def transact(self, sender: str, to: str, data: bytes) -> bytes:
        """See :meth:`Transport.transact`."""
        returned = self._call(sender, to, data)
        receipt = self._send(sender, to, data)
        self._logs, self.gas_used = receipt["logs"], int(receipt["gasUsed"])
        return returned

    def last_log(self, address: str, topic: bytes = b"") -> bytes:
        """See :meth:`Transport.last_log`."""
        for log in reversed(self._logs):
            of_it = not topic or bytes(log["topics"][0]) == topic
            if log["address"].lower() == address and of_it:
                return bytes(log["data"])
        raise KeyError(address)

    def call(self, to: str, data: bytes) -> bytes:
        """See :meth:`Transport.call`."""
        return self._call(self._observer, to, data)

    def snapshot(self) -> Any:
        """See :meth:`Transport.snapshot`; of nodes that have ``evm_snapshot``, as dev nodes do."""
        return self._request("evm_snapshot"), self._logs, self.gas_used

    def revert(self, snapshot: Any) -> None:
        """See :meth:`Transport.revert`."""
        number, self._logs, self.gas_used = snapshot
        if self._request("evm_revert", number) is False:  # eth-tester says nothing
            raise NodeError(f"evm_revert: the node does not go back to snapshot {number}")

    def set_time(self, timestamp: int) -> None:
        """See :meth:`Transport.set_time`. Mines an empty block, so that calls see the time too."""
        if timestamp == self.time():
            return
        if "ethereumtester" in self._client:
            self.web3.provider.make_request("testing_timeTravel", [timestamp])  # type: ignore[arg-type]
            self._request("evm_mine", 1)
        else:
            self._request("evm_setNextBlockTimestamp", timestamp)
            self._request("evm_mine")
        if self.time() != timestamp:
            raise NodeError(f"block time is {self.time()} after setting it to {timestamp}")

    def time(self) -> int:
        """See :meth:`Transport.time`."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def nonce(self, address: str) -> int:
        """See :meth:`Transport.nonce`."""
        return self.web3.eth.get_transaction_count(to_checksum_address(address))

    def code(self, address: str) -> bytes:
        """See :meth:`Transport.code`."""
        return bytes(self.web3.eth.get_code(to_checksum_address(address)))

    # ------------------------------------------------------------------------------------- helpers

    def _call(self, sender: str, to: str | None, data: bytes) -> bytes:
        """Dry run: what the call answers, or creation code (``to`` None) leaves."""
        call: Any = {
            "from": to_checksum_address(sender),
            "data": "0x" + data.hex(),
            "gas": GAS_LIMIT,
        }
        if to is not None:
            call["to"] = to_checksum_address(to)
        try:
            return bytes(self.web3.eth.call(call))
        except (ContractLogicError, TransactionFailed) as error:
            raise Reverted(_revert_data(error)) from None

    def _send(self, sender: str, to: str | None, data: bytes) -> Any:
        signer = self._signers[sender]
        transaction: Any = {
            "nonce": self.nonce(sender),
            "value": 0,
            "gas": GAS_LIMIT,
            "gasPrice": self.web3.eth.gas_price,
            "data": "0x" + data.hex(),
            "chainId": self.web3.eth.chain_id,
        }
        if to is not None:
            transaction["to"] = to_checksum_address(to)
        signed = signer.sign_transaction(transaction)
        digest = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(
            digest, timeout=RECEIPT_TIMEOUT_SECONDS, poll_latency=0.01
        )
        if receipt["status"] != 1:
            raise NodeError(f"transaction {digest.to_0x_hex()} failed though its dry run succeeded")
        return receipt

    def _fund_from_node(self, address: str) -> None:
        if "anvil" in self._client:
            self._request("anvil_setBalance", address, hex(FUNDING_WEI))
            return
        accounts = self.web3.eth.accounts
        if not accounts:
            raise NodeError("the node has no account of its own to pay for transactions with")
        digest = self.web3.eth.send_transaction(
            {"from": accounts[0], "to": to_checksum_address(address), "value": FUNDING_WEI}  # type: ignore[typeddict-item]
        )
        self.web3.eth.wait_for_transaction_receipt(digest, timeout=RECEIPT_TIMEOUT_SECONDS)

    def _request(self, method: str, *parameters: Any) -> Any:
        answer = self.web3.provider.make_request(method, list(parameters))  # type: ignore[arg-type]
        if "error" in answer:
            raise NodeError(f"{method}{parameters}: {answer['error']}")
        return answer["result"]


def _revert_data(error: ContractLogicError | TransactionFailed) -> bytes:
    """Revert data in a node's error: hexadecimal text, a mapping holding it, or a message."""
    data: Any = getattr(error, "data", None)
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if isinstance(data, str) and data.startswith("0x"):
        return bytes.fromhex(data[2:])
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    _, found, text = str(error).partition(_REVERT_MESSAGE)
    if found and _BYTES.fullmatch(text):  # eth-tester shows what is no Error(string) as Python does
        return bytes(literal_eval(text))
    return encode_error(text) if found else b""
