using EveStorage.Testing;

namespace EveStorage.Trials;

/// <summary>
/// Operations that are cut short before each of the commands that they run. From there on none of them runs, as if the host had been
/// killed; then the pool is opened anew, and the operation is run again or undone, in turns, as a start does.
/// </summary>
/// <param name="machine">The pool.</param>
/// <param name="said">What is told.</param>
/// <param name="left">The file that says how many commands are left, for the program that stands before the backend's tool.</param>
/// <param name="mostCommands">More than any operation has.</param>
/// <param name="lookAsync">All that is there, to be compared.</param>
public sealed class CutShort(TrialMachine machine, Sentences said, string left, int mostCommands, Func<Task<string>> lookAsync)
{
    /// <summary>Whether an operation that is undone leaves something, so that it is run again afterwards.</summary>
    public bool UndoneRunsAgain { get; set; }

    /// <summary>Opens the pool for as long as that takes.</summary>
    public async Task WithAsync(Func<IStoragePool, Task> doAsync)
    {
        await using IStoragePool pool = await machine.OpenAsync();
        await doAsync(pool);
    }

    /// <summary>An operation on the open pool, and what brings back what was before.</summary>
    public Task CutAsync(string what, Func<IStoragePool, ValueTask<Plan>> plan, Func<IStoragePool, ValueTask<Plan>>? undo, params string[] made)
        => CutAsync(what, plan, null, undo is null ? () => Task.CompletedTask : () => WithAsync(pool => RunningPlans.RunAsync(undo(pool), made)), made);

    /// <summary>An operation on the open pool or on the backend.</summary>
    public async Task CutAsync(string what, Func<IStoragePool, ValueTask<Plan>>? ofPool, Func<ValueTask<Plan>>? ofBackend, Func<Task> cleanAsync, params string[] made)
    {
        bool isWhole = false;
        for (int commands = 0; !isWhole && commands < mostCommands; commands++)
        {
            bool redo = commands % 2 == 0;
            await said.SayAsync($"Cut short after {commands} commands, {what} is {(redo ? "finished" : "undone, or finished")}", async () =>
            {
                OperationRequest request = RunningPlans.RequestFor(made);
                string before = await lookAsync();
                isWhole = await PlannedAsync(ofPool, ofBackend, plan => ToTheCutAsync(plan, request, commands));
                bool isDone = isWhole || await PlannedAsync(ofPool, ofBackend, plan => redo ? AgainAsync(plan, request) : UndoAsync(plan, request));
                if (isDone)
                {
                    await cleanAsync();
                }

                string after = await lookAsync();
                Sentences.Require(before == after, $"before: {before}; after: {after}");
            });
        }

        await said.SayAsync($"In the end {what} is not cut short", () =>
        {
            Sentences.Require(isWhole, $"it fails by itself, or has more than {mostCommands} commands");
            return Task.CompletedTask;
        });
    }

    private async Task<bool> PlannedAsync(Func<IStoragePool, ValueTask<Plan>>? ofPool, Func<ValueTask<Plan>>? ofBackend, Func<Plan, Task<bool>> runAsync)
    {
        if (ofBackend is not null)
        {
            return await runAsync(await ofBackend());
        }

        await using IStoragePool pool = await machine.OpenAsync();
        return await runAsync(await ofPool!(pool));
    }

    /// <summary>Runs a plan until its commands are used up, and says whether it came to its end.</summary>
    private async Task<bool> ToTheCutAsync(Plan plan, OperationRequest request, int commands)
    {
        await File.WriteAllTextAsync(left, $"{commands}");
        try
        {
            foreach (StorageStep step in plan.Steps)
            {
                await step.ApplyAsync(RunningPlans.ContextOf(request), default);
            }

            return true;
        }
        catch (StorageException)
        {
            return false;
        }
        finally
        {
            File.Delete(left);
        }
    }

    private static async Task<bool> AgainAsync(Plan plan, OperationRequest request)
    {
        await RunningPlans.RunAsync(plan, request, default);
        return true;
    }

    /// <summary>Undoes a plan, or finishes it where it says that what it destroyed is gone, and says which.</summary>
    private async Task<bool> UndoAsync(Plan plan, OperationRequest request)
    {
        try
        {
            return await RevertAsync(plan, request) || (UndoneRunsAgain && await AgainAsync(plan, request));
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NeedsAttention)
        {
            return await AgainAsync(plan, request);
        }
    }

    private static async Task<bool> RevertAsync(Plan plan, OperationRequest request)
    {
        foreach (StorageStep step in plan.Steps.Reverse())
        {
            await step.RevertAsync(RunningPlans.ContextOf(request), default);
        }

        return false;
    }
}
