"""Say what a night may change before a person must look at it: the gates before publishing."""

from pydantic import Field

from rules.base import Rule


class Gates(Rule):
    """Limits. Past one, the tables of the night are held back and the old ones stay published.

    The last two are of the audit, which holds nothing back: it tells of it and ends with 1.
    """

    customers_drop: float = Field(ge=0, le=1, description="share of the customers that are gone")
    customers_rise: float = Field(ge=0, description="new customers, in times of those there were")
    merged_share: float = Field(ge=0, le=1, description="share of the customers merged into others")
    quarantined_share: float = Field(ge=0, le=1, description="of the rows that came")
    filled_drop: float = Field(
        ge=0, le=1, description="share of the customers that lost a value which they had"
    )
    invalid_share: float = Field(ge=0, le=1, description="of the contact points: take no mail")
    largest_customer: int = Field(ge=2, description="records of one customer")
    without_lineage: int = Field(ge=0, description="golden values that no record or person gave")
    least_customers: int = Field(ge=1, description="with fewer there is nothing to compare with")
    least_rows: int = Field(ge=1, description="with fewer no share of them is judged")
    rescored_pairs: int = Field(
        500, ge=0, description="stored pairs of each band that an audit scores again; 0: none"
    )
    rescored_differing: int = Field(
        0, ge=0, description="of these, so many may come out otherwise than they are stored"
    )
