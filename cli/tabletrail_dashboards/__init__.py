"""What OpenSearch Dashboards would ask OpenSearch for a saved object of mappings/dashboards."""
