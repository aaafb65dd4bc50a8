from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('families', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='syncstate',
            name='gap_until',
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
