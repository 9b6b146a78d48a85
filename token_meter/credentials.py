"""Who the meter is to Azure: an identity, never a key."""

from azure.identity import DefaultAzureCredential


def azure_identity(managed_identity_client_id: str = "") -> DefaultAzureCredential:
    """Return the managed identity of where the meter runs, or on a machine of one's own whoever has signed in.

    `managed_identity_client_id` names a user-assigned identity; empty is the system-assigned one.
    """
    if managed_identity_client_id:
        return DefaultAzureCredential(managed_identity_client_id=managed_identity_client_id)
    return DefaultAzureCredential()
