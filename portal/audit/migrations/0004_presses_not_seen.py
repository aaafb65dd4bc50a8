from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0003_commands_of_a_person'),
    ]

    operations = [
        migrations.AddField(
            model_name='command',
            name='not_seen_at',
            field=models.DateTimeField(null=True),
        ),
    ]
