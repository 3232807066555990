"""A local stand-in for the ECS, EC2, instance and task metadata services. See README.md."""
