import django.db.models.functions.datetime
from django.db import migrations, models


# What was done stays on record, whatever code or person asks. TRUNCATE (tests' flush) still works.
APPEND_ONLY = """
CREATE FUNCTION tasks_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'tasks_auditentry is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON tasks_auditentry
  FOR EACH ROW EXECUTE FUNCTION tasks_refuse_change();
"""
APPENDABLE = """
DROP TRIGGER audit_append_only ON tasks_auditentry;
DROP FUNCTION tasks_refuse_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0002_vacuum_often'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('actor', models.CharField(help_text='user:3, or manage.py:alice.', max_length=120)),
                ('action', models.CharField(help_text='lock.release', max_length=60)),
                ('subject', models.CharField(help_text='lock:stock:1', max_length=1100)),
                ('reason', models.TextField(blank=True, db_default='')),
                ('details', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'verbose_name_plural': 'audit log',
                'default_permissions': ['view'],
                'indexes': [models.Index(fields=['subject', 'at'], name='tasks_audit_subject'), models.Index(fields=['at'], name='tasks_audit_at')],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, APPENDABLE),
    ]
