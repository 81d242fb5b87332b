"""Accounts and groups in the admin: Django's own pages, with our guard on what their addresses may ask."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from sensgene.staff import SafeLookups

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffAccountAdmin(SafeLookups, UserAdmin):
    pass


@admin.register(Group)
class StaffGroupAdmin(SafeLookups, GroupAdmin):
    pass
