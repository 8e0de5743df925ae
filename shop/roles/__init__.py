"""The people who run the shop, by what they may do: viewers, support, operators, admins.

The roles are Django groups. Permissions come into being after migrations, and new ones with each
release, so `granting` runs after every migration and gives each role what is new for it, once.
What an administrator takes away from a group stays away. docs/roles.md has the table.
"""
