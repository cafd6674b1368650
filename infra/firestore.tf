# The database, and what firestore.indexes.json says of its indexes: one file for Terraform, for
# firebase-tools and for the emulator.

locals {
  index_file = jsondecode(file("${path.module}/../firestore.indexes.json"))

  indexes = {
    for index in local.index_file.indexes :
    join("-", concat(
      [index.collectionGroup, lower(index.queryScope)],
      [for field in index.fields : "${field.fieldPath}.${lower(field.order)}"],
    )) => index
  }

  field_overrides = {
    for field in local.index_file.fieldOverrides : "${field.collectionGroup}-${field.fieldPath}" => field
  }
}

resource "google_firestore_database" "this" {
  project                 = var.project
  name                    = local.database
  location_id             = var.firestore_location
  type                    = "FIRESTORE_NATIVE"
  concurrency_mode        = "OPTIMISTIC"
  delete_protection_state = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = var.deletion_protection ? "ABANDON" : "DELETE"
  depends_on              = [google_firebase_project.this]
}

resource "google_firestore_index" "all" {
  for_each = local.indexes

  project     = var.project
  database    = google_firestore_database.this.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value.fieldPath
      order      = fields.value.order
    }
  }
}

# Exemptions from Firestore's automatic indexes, and the time to live.
resource "google_firestore_field" "all" {
  for_each = local.field_overrides

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  # An empty one: no index at all.
  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes
      content {
        order       = indexes.value.order
        query_scope = indexes.value.queryScope
      }
    }
  }

  dynamic "ttl_config" {
    for_each = lookup(each.value, "ttl", false) ? [true] : []
    content {}
  }
}
