using EveStorage.Cli;
using EveStorage.Host.Cli.Verbs;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations;
using EveStorage.Host.Operations.Changes;

namespace EveStorage.Tests;

public sealed class OwnTypesTests
{
    [Fact]
    public void Every_verb_is_where_verbs_are_looked_for()
        => OwnTypes.In(typeof(Serve).Namespace!).Where(Is<CliVerb>).ShouldBe(typeof(OwnTypes).Assembly.GetTypes().Where(Is<CliVerb>), ignoreOrder: true);

    [Fact]
    public void Every_verb_that_asks_the_API_alone_is_listed_and_found_by_its_words()
    {
        ApiVerbs.All.Select(verb => verb.GetType()).ShouldBe(typeof(CliVerb).Assembly.GetTypes().Where(Is<CliVerb>), ignoreOrder: true);
        foreach (CliVerb verb in ApiVerbs.All)
        {
            ApiVerbs.Find([.. verb.Words, "--json"])?.GetType().ShouldBe(verb.GetType(), string.Join(' ', verb.Words));
        }
    }

    [Fact]
    public void Every_planner_is_where_planners_are_looked_for()
        => OwnTypes.In(typeof(PlanImportImage).Namespace!, typeof(PlanCreateFileSystem).Namespace!).Where(IsPlanner)
            .ShouldBe(typeof(OwnTypes).Assembly.GetTypes().Where(IsPlanner), ignoreOrder: true);

    private static bool Is<T>(Type type) => type.IsAssignableTo(typeof(T)) && !type.IsAbstract;

    private static bool IsPlanner(Type type)
        => !type.IsAbstract && type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(ChangePlanner<>);
}
