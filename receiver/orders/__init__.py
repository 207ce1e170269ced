"""What a completed order is: the names that other packages use. No Flask, no database, no network."""

from __future__ import annotations

from receiver.orders.card_guard import guard as guard
from receiver.orders.card_numbers import mask as mask
from receiver.orders.comparing import holds_all as holds_all
from receiver.orders.comparing import is_cut_of as is_cut_of
from receiver.orders.comparing import is_same_form as is_same_form
from receiver.orders.cut_forms import MAY_BE_INCOMPLETE as MAY_BE_INCOMPLETE
from receiver.orders.cut_forms import guard_cut as guard_cut
from receiver.orders.cut_forms import read_held_back as read_held_back
from receiver.orders.decoding import Decoded as Decoded
from receiver.orders.decoding import decode as decode
from receiver.orders.encoding import encode_form as encode_form
from receiver.orders.encoding import encode_json as encode_json
from receiver.orders.explain import Explained as Explained
from receiver.orders.explain import Explanation as Explanation
from receiver.orders.explain import explain as explain
from receiver.orders.field_errors import FieldError as FieldError
from receiver.orders.mapping import Mapping as Mapping
from receiver.orders.model import Address as Address
from receiver.orders.model import Customer as Customer
from receiver.orders.model import Item as Item
from receiver.orders.model import Order as Order
from receiver.orders.names import Fields as Fields
from receiver.orders.parsing import SAMPLE as SAMPLE
from receiver.orders.parsing import NotUnderstood as NotUnderstood
from receiver.orders.parsing import Understood as Understood
from receiver.orders.parsing import read as read
from receiver.orders.suggestion import Suggestion as Suggestion
