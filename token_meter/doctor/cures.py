"""The commands that cure, as a person would type them. Words in capitals are for the reader to fill in."""

DEPLOYED = "az deployment group show --resource-group GROUP --name token-meter --query properties.outputs"
TAKES = "and allow 30 minutes for it to take effect"
ALL_RULES = (
    'az rest --method get --url "/subscriptions/{subscriptionId}/providers/Microsoft.Insights/dataCollectionRules'
    '?api-version=2024-03-11"'
)
"""By REST: the command for rules is an extension, whose version of the API may not tell the endpoint."""
RULES = (
    f'{ALL_RULES} --query "value[].[name, properties.immutableId, properties.endpoints.logsIngestion]" --output table'
)
INSIGHTS = "--resource-group GROUP --resource-type Microsoft.Insights/components"
INSIGHTS_SCOPE = f'$(az resource list {INSIGHTS} --query "[0].id" --output tsv)'
CONNECTION = f"az resource show {INSIGHTS} --name INSIGHTS --query properties.ConnectionString"


def set_setting(name: str, value: str) -> str:
    """Return how a setting of the Function is set."""
    return f"`az functionapp config appsettings set --resource-group GROUP --name FUNCTION --settings {name}={value}`"


def grant(role: str, assignee: str, scope: str) -> str:
    """Return how a role is granted: to an object id where one is known, on a resource's id or what prints it."""
    who = assignee or "IDENTITY"
    return f'`az role assignment create --assignee {who} --role "{role}" --scope "{scope}"`'


def failures(workspace: str = "ID") -> str:
    """Return what prints the Function's last failures; Application Insights keeps them in the workspace."""
    return f'`token-meter query "AppExceptions | where TimeGenerated > ago(1h) | take 5" --workspace {workspace}`'


def hub_scope(namespace: str, hub: str) -> str:
    """Return what prints a hub's resource id."""
    shown = f"az eventhubs eventhub show --resource-group GROUP --namespace-name {namespace} --name {hub}"
    return f"$({shown} --query id --output tsv)"


def rule_scope(immutable_id: str) -> str:
    """Return what prints a data collection rule's resource id."""
    return f"$({ALL_RULES} --query \"value[?properties.immutableId=='{immutable_id}'].id\" --output tsv)"


def storage_scope(account: str) -> str:
    """Return what prints a storage account's resource id."""
    return f"$(az storage account show --name {account} --query id --output tsv)"


def workspace_scope(customer_id: str) -> str:
    """Return what prints a workspace's resource id."""
    return f"$(az monitor log-analytics workspace list --query \"[?customerId=='{customer_id}'].id\" --output tsv)"
