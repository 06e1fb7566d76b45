"""Keeps LocalStack from loading what S3 does not need."""

from localstack.aws import spec
from localstack.services.plugins import SERVICE_PLUGINS


def limit_to_s3() -> None:
    """Call before anything imports the S3 provider."""
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
    SERVICE_PLUGINS._api_provider_specs = {"s3": ["default"]}
