from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='relay',
            name='missing_answers',
            field=models.SmallIntegerField(default=0),
        ),
    ]
