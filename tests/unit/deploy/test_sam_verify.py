"""What ``sync-sam verify`` answers has all that a verification finds."""

from deploy.sam.verifying import VerifyAnswer
from shared.services.verification.result import Verification


def test_the_answer_has_every_field_of_a_verification() -> None:
    assert VerifyAnswer.model_fields.keys() == {"ok", *Verification.model_fields}
