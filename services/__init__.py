"""The services, each in a folder of the same inner shape. To add one, write its folder and name it here."""

from services import events, kafka, sns, sqs, sts

ALL = (sqs.SERVICE, sns.SERVICE, events.SERVICE, kafka.SERVICE, sts.SERVICE)
