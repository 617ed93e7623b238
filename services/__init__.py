"""The services, each in a folder of the same inner shape. To add one, write its folder and name it here."""

from services import sns, sqs, sts

ALL = (sqs.SERVICE, sns.SERVICE, sts.SERVICE)
