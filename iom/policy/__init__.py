"""Schemes as data: each scheme's written rules, typed, validated and cited (see docs/schemes.md)."""

from iom.policy.base import DEFAULT_SOURCE
from iom.policy.bodies import BodyPolicy, DeadlineRule
from iom.policy.joining import Clause, Criteria
from iom.policy.loader import PolicyError, load_preset, parse_policy, preset_slugs, read_policy_file
from iom.policy.schema import Policy

__all__ = [
    "DEFAULT_SOURCE",
    "BodyPolicy",
    "Clause",
    "Criteria",
    "DeadlineRule",
    "Policy",
    "PolicyError",
    "load_preset",
    "parse_policy",
    "preset_slugs",
    "read_policy_file",
]
