//! Rows of several tables in one: each table's columns under a prefix of its own, for `FromQueryResult`.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic, QueryResult};

/// The columns of `E`, of the table called `alias`, under the prefix `alias_`.
pub(crate) fn columns<E: EntityTrait>(alias: &str) -> String {
    columns_without::<E::Column>(alias, &[])
}

/// The same of the table that has `C` for its columns, with nothing in those of `without`, which are texts.
pub(crate) fn columns_without<C: ColumnTrait>(alias: &str, without: &[C]) -> String {
    let without: Vec<&str> = without.iter().map(IdenStatic::as_str).collect();
    let named = |column: C| match column.as_str() {
        name if without.contains(&name) => format!("CAST(NULL AS text) AS {alias}_{name}"),
        name => format!("{alias}.{name} AS {alias}_{name}"),
    };
    C::iter().map(named).collect::<Vec<_>>().join(", ")
}

/// The row of an outer join under the prefix `alias_`, if there is one: it has an `id` then.
pub(crate) fn joined<M: FromQueryResult>(row: &QueryResult, prefix: &str) -> Result<Option<M>, DbErr> {
    let id: Option<String> = row.try_get(prefix, "id")?;
    id.map(|_| M::from_query_result(row, prefix)).transpose()
}
