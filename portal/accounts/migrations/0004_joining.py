from django.db import migrations, models
from django.db.models import F

from portal.text import searchable


def fill(apps, schema_editor):
    """Whoever can sign in has joined; everybody is found by their name and address."""
    User = apps.get_model("accounts", "User")
    User.objects.filter(is_active=True, joined_at=None).update(joined_at=F("created_at"))
    for user in User.objects.only("name", "email"):
        User.objects.filter(pk=user.pk).update(search_text=searchable(user.name, user.email))


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_people'),
    ]

    operations = [
        migrations.AddField(
            model_name='invitation',
            name='mailed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='invitation',
            name='press',
            field=models.CharField(max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name='user',
            name='search_text',
            field=models.CharField(blank=True, editable=False, max_length=300),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['search_text', 'id'], name='accounts_user_name'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
