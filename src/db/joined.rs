//! Rows of several tables in one: each table's columns under a prefix of its own, for `FromQueryResult`.

use sea_orm::{DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, QueryResult};

/// The columns of `E`, of the table called `alias`, under the prefix `alias_`.
pub(crate) fn columns<E: EntityTrait>(alias: &str) -> String {
    let named = |column: E::Column| format!("{alias}.{name} AS {alias}_{name}", name = column.as_str());
    E::Column::iter().map(named).collect::<Vec<_>>().join(", ")
}

/// The row of an outer join under the prefix `alias_`, if there is one: it has an `id` then.
pub(crate) fn joined<M: FromQueryResult>(row: &QueryResult, prefix: &str) -> Result<Option<M>, DbErr> {
    let id: Option<String> = row.try_get(prefix, "id")?;
    id.map(|_| M::from_query_result(row, prefix)).transpose()
}
