"""Keeps LocalStack from loading and asking for what S3 does not need."""

import sys
from types import ModuleType

from localstack.aws import spec
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.utils.aws import aws_stack


def limit_to_s3() -> None:
    """Call before anything imports the gateway or the S3 provider."""
    # The whole catalogue reads the specifications of all 300 services: 5 s at the first start, 350 MB for good.
    s3 = [spec.ServiceModelIdentifier("s3")]
    catalog = spec.ServiceCatalog(
        spec.ServiceCatalogIndex(
            service_names=["s3"],
            target_prefix_index={},
            signing_name_index={"s3": s3},
            operations_index={},
            endpoint_prefix_index={"s3": s3},
        )
    )
    spec.get_service_catalog = lambda: catalog
    # Instead of a search through the entry points of every installed package.
    SERVICE_PLUGINS._api_provider_specs = {"s3": ["default"]}  # type: ignore[assignment]
    # Else the provider looks s3.localhost.localstack.cloud up in the DNS, which takes long where that does not answer.
    aws_stack.CACHE_S3_HOSTNAME_DNS_STATUS = False  # type: ignore[assignment]
    # Two handlers that are switched off, but import 200 modules: an eighth of the start.
    validation = ModuleType("localstack.aws.handlers.validation")
    names = ("OpenAPIRequestValidator", "OpenAPIResponseValidator")
    vars(validation).update({name: lambda: _do_nothing for name in names})
    sys.modules[validation.__name__] = validation


def _do_nothing(*_: object) -> None:
    pass
