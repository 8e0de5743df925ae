import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0008_workers'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='effect',
            index=models.Index(condition=models.Q(('job_id__isnull', False)), fields=['job_id'], name='tasks_effect_job'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['created_at'], name='tasks_job_created', pages_per_range=32),
        ),
    ]
