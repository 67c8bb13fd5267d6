//! Writes that belong together, sent in as few round trips as the database allows.

use sea_orm::sea_query::{
    Alias, CommonTableExpression, Expr, Query, ReturningClause, SubQueryStatement, WithClause,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExecResult, IntoActiveModel, Iterable,
    ModelTrait, QueryTrait, Update,
};

use super::Tx;

/// Statements that each write other rows and read nothing that another one of them writes. PostgreSQL gets them as one
/// statement, whose parts all see the books as they were before it; SQLite, which has no such thing and no network in
/// between either, one after another. Keys to rows that an earlier one inserts are checked in time by both.
#[derive(Debug, Default)]
pub(crate) struct Writes(Vec<SubQueryStatement>);

/// How many rows each statement has written, by its place.
#[derive(Debug)]
pub(crate) struct Written(Vec<u64>);

/// A statement's place among [`Writes`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

impl Written {
    /// How many rows the statement at `place` has written.
    pub(crate) fn rows(&self, place: Place) -> u64 {
        self.0.get(place.0).copied().unwrap_or_default()
    }

    /// How many rows all of them have written.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Writes {
    /// Adds a statement.
    pub(crate) fn add<Q>(&mut self, query: Q) -> Place
    where
        Q: QueryTrait,
        Q::QueryStatement: Into<SubQueryStatement>,
    {
        self.0.push(query.into_query().into());
        Place(self.0.len() - 1)
    }

    /// Adds what differs between a row as it is kept, `before`, and as it is to be; nothing where nothing does.
    ///
    /// # Errors
    /// None that can come: an entity has a primary key.
    pub(crate) fn change<M, A>(&mut self, before: &M, after: &M) -> Result<(), DbErr>
    where
        M: ModelTrait + IntoActiveModel<A>,
        A: ActiveModelTrait<Entity = M::Entity>,
    {
        let mut row = before.clone().into_active_model();
        for column in <M::Entity as EntityTrait>::Column::iter() {
            let value = after.get(column);
            if value != before.get(column) {
                row.set(column, value);
            }
        }
        if row.is_changed() {
            self.add(Update::one(row).validate()?);
        }
        Ok(())
    }

    /// Runs them all, in their order where that shows.
    ///
    /// # Errors
    /// The database's own.
    pub(crate) async fn run(self, tx: &Tx) -> Result<Written, DbErr> {
        if tx.get_database_backend() == DbBackend::Postgres && self.0.len() > 1 {
            return self.run_as_one(tx).await;
        }
        let mut written = Vec::with_capacity(self.0.len());
        for statement in &self.0 {
            written.push(execute(tx, statement).await?.rows_affected());
        }
        Ok(Written(written))
    }

    async fn run_as_one(self, tx: &Tx) -> Result<Written, DbErr> {
        let (mut parts, mut counts) = (WithClause::new(), Query::select());
        let statements = self.0.len();
        for (place, statement) in self.0.into_iter().enumerate() {
            let mut part = CommonTableExpression::new();
            part.table_name(Alias::new(format!("w{place}"))).query(telling(statement));
            parts.cte(part);
            counts.expr(Expr::cust(format!("(SELECT COUNT(*) FROM w{place})")));
        }
        let row = tx.query_one(&parts.query(counts)).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("what has been written".to_owned()))?;
        let rows = |place| row.try_get_by_index::<i64>(place).map(i64::unsigned_abs);
        (0..statements).map(rows).collect::<Result<_, _>>().map(Written)
    }
}

/// `statement`, which tells of each row that it has written it.
fn telling(mut statement: SubQueryStatement) -> SubQueryStatement {
    let one = || ReturningClause::Exprs(vec![Expr::cust("1")]);
    match &mut statement {
        SubQueryStatement::InsertStatement(insert) => drop(insert.returning(one())),
        SubQueryStatement::UpdateStatement(update) => drop(update.returning(one())),
        SubQueryStatement::DeleteStatement(delete) => drop(delete.returning(one())),
        SubQueryStatement::SelectStatement(_) | SubQueryStatement::WithStatement(_) => {}
    }
    statement
}

async fn execute(tx: &Tx, statement: &SubQueryStatement) -> Result<ExecResult, DbErr> {
    match statement {
        SubQueryStatement::SelectStatement(select) => tx.execute(select).await,
        SubQueryStatement::InsertStatement(insert) => tx.execute(insert).await,
        SubQueryStatement::UpdateStatement(update) => tx.execute(update).await,
        SubQueryStatement::DeleteStatement(delete) => tx.execute(delete).await,
        SubQueryStatement::WithStatement(with) => tx.execute(with).await,
    }
}
