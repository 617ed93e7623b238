"""AWS wire protocols, compiled once per service from botocore's service description.

model.py        the description: operations, shapes, and what a service adds to it
shapes.py       JSON values <-> Python values, one closure per shape
aws_json.py     AWS JSON 1.0 and 1.1
query.py        AWS query: forms in, XML out
constraints.py  what the description demands of requests, in the words of AWS's front end
"""
