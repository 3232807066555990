"""One fake for all tests of a module, as good as new for each test."""

import boto3
import botocore.config
import pytest

from .client import FakeAws, STATIC_ACCESS_KEY, STATIC_SECRET


@pytest.fixture(scope="module")
def shared_aws():
    with FakeAws() as aws:
        yield aws


@pytest.fixture
def aws(shared_aws):
    shared_aws.reset()
    return shared_aws


def client_for(aws, service, **options):
    """A boto3 client on the fake that does not retry, unless told otherwise."""
    keys = {"aws_access_key_id": STATIC_ACCESS_KEY, "aws_secret_access_key": STATIC_SECRET}
    config = botocore.config.Config(retries={"total_max_attempts": options.pop("attempts", 1)},
                                    connect_timeout=5, read_timeout=options.pop("timeout", 5),
                                    proxies={})
    return boto3.client(service, endpoint_url=aws.urls[service], region_name=aws.region,
                        config=config, **{**keys, **options})


@pytest.fixture
def ecs(aws):
    return client_for(aws, "ecs")


@pytest.fixture
def ec2(aws):
    return client_for(aws, "ec2")
