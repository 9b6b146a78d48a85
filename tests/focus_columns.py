"""What FinOps FOCUS 1.2 asks of the columns that `TokenFocus()` has: copied by hand from the specification's pages.

Source: FOCUS_Spec at v1.2, specification/columns/*.md and attributes/*.md (focus.finops.org).
"""

from dataclasses import dataclass

MANDATORY, CONDITIONAL, RECOMMENDED = "Mandatory", "Conditional", "Recommended"
KUSTO_TYPE = {"Decimal": "real", "String": "string", "Date/Time": "datetime", "JSON": "string"}
"""How the answer holds the specification's types. JSON is "a serialized JSON string"."""


@dataclass(frozen=True)
class FocusColumn:
    """A column: how necessary, of what type, whether it may be null, and the only values that it may have."""

    level: str
    data_type: str
    nullable: bool
    allowed: frozenset[str] = frozenset()


def _column(level: str, data_type: str, null: str, *allowed: str) -> FocusColumn:
    return FocusColumn(level, data_type, null == "null", frozenset(allowed))


COLUMNS = {
    "BilledCost": _column(MANDATORY, "Decimal", "not null"),
    "BillingAccountId": _column(MANDATORY, "String", "not null"),
    "BillingAccountName": _column(MANDATORY, "String", "null"),
    "BillingCurrency": _column(MANDATORY, "String", "not null"),
    "BillingPeriodEnd": _column(MANDATORY, "Date/Time", "not null"),
    "BillingPeriodStart": _column(MANDATORY, "Date/Time", "not null"),
    "ChargeCategory": _column(MANDATORY, "String", "not null", "Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "ChargeClass": _column(MANDATORY, "String", "null", "Correction"),
    "ChargeDescription": _column(MANDATORY, "String", "null"),
    "ChargeFrequency": _column(RECOMMENDED, "String", "not null", "One-Time", "Recurring", "Usage-Based"),
    "ChargePeriodEnd": _column(MANDATORY, "Date/Time", "not null"),
    "ChargePeriodStart": _column(MANDATORY, "Date/Time", "not null"),
    "ConsumedQuantity": _column(CONDITIONAL, "Decimal", "null"),
    "ConsumedUnit": _column(CONDITIONAL, "String", "null"),
    "ContractedCost": _column(MANDATORY, "Decimal", "not null"),
    "ContractedUnitPrice": _column(CONDITIONAL, "Decimal", "null"),
    "EffectiveCost": _column(MANDATORY, "Decimal", "not null"),
    "InvoiceId": _column(RECOMMENDED, "String", "null"),
    "InvoiceIssuerName": _column(MANDATORY, "String", "not null"),
    "ListCost": _column(MANDATORY, "Decimal", "not null"),
    "ListUnitPrice": _column(CONDITIONAL, "Decimal", "null"),
    "PricingCategory": _column(CONDITIONAL, "String", "null", "Standard", "Dynamic", "Committed", "Other"),
    "PricingQuantity": _column(MANDATORY, "Decimal", "null"),
    "PricingUnit": _column(MANDATORY, "String", "null"),
    "ProviderName": _column(MANDATORY, "String", "not null"),
    "PublisherName": _column(MANDATORY, "String", "not null"),
    "RegionId": _column(CONDITIONAL, "String", "null"),
    "RegionName": _column(CONDITIONAL, "String", "null"),
    "ResourceId": _column(CONDITIONAL, "String", "null"),
    "ResourceName": _column(CONDITIONAL, "String", "null"),
    "ResourceType": _column(CONDITIONAL, "String", "null"),
    "ServiceCategory": _column(MANDATORY, "String", "not null", "AI and Machine Learning"),
    "ServiceName": _column(MANDATORY, "String", "not null"),
    "ServiceSubcategory": _column(
        RECOMMENDED, "String", "not null",
        "AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing",
        "Other (AI and Machine Learning)",
    ),
    "SkuId": _column(CONDITIONAL, "String", "null"),
    "SkuMeter": _column(CONDITIONAL, "String", "null"),
    "SkuPriceDetails": _column(CONDITIONAL, "JSON", "null"),
    "SkuPriceId": _column(CONDITIONAL, "String", "null"),
    "SubAccountId": _column(CONDITIONAL, "String", "null"),
    "SubAccountName": _column(CONDITIONAL, "String", "null"),
    "SubAccountType": _column(CONDITIONAL, "String", "null"),
    "Tags": _column(CONDITIONAL, "JSON", "null"),
}  # fmt: skip
"""Of ServiceCategory and ServiceSubcategory, the values that fit this service."""
OMITTED = {
    "AvailabilityZone", "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus",
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
}  # fmt: skip
"""The other columns of version 1.2, all conditional or recommended: nothing that a gateway sees tells of them."""
ISSUED_TOGETHER = (
    ("PricingQuantity", "PricingUnit"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("RegionId", "RegionName"),
    ("ResourceId", "ResourceType"),
    ("ResourceId", "ResourceName"),
    ("SkuId", "SkuMeter"),
    ("SkuId", "SkuPriceId"),
    ("SubAccountId", "SubAccountName"),
    ("SubAccountId", "SubAccountType"),
)
"""Pairs of which both or neither are null."""
