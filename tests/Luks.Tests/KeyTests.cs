using EveStorage.Luks;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>Keys that are wrong, keys that change, and the end of them.</summary>
public class KeyTests
{
    private static readonly KeyName s_second = new("second");

    [Fact]
    public async Task Ten_wrong_keys_open_nothing_and_leave_every_byte()
    {
        using Below below = new();
        await below.FormatAsync();
        string before = below.Hash();

        for (int n = 0; n < 10; n++)
        {
            below.Keys.Put("first", 64);
            StorageException refused = await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default)));
            refused.Kind.ShouldBe(StorageErrorKind.Conflict);
            refused.Message.ShouldBe("data/vm42: the key first does not open it: bring the key that it was encrypted with; nothing was touched");
        }

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task What_is_not_encrypted_is_not_opened_and_not_formatted()
    {
        using Below below = new();
        string before = below.Hash();

        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default)))).Kind.ShouldBe(StorageErrorKind.NotFound);

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task The_header_names_its_key_from_the_first_whatever_the_site_says_later()
    {
        using Below below = new();
        await below.FormatAsync();

        (await below.Layer.FindKeyAsync(below.Site with { Key = s_second }, default)).ShouldBe(new KeyName("first"));
    }

    [Fact]
    public async Task A_format_that_was_cut_short_before_it_named_its_key_names_it_when_it_is_done_again()
    {
        using Below below = new();
        OperationRequest request = await below.FormatAsync();
        await Linux.Command.Find("cryptsetup")!.RunAsync(["token", "remove", "--token-id", "0", below.Path], default);

        await below.FormatAsync(request);

        below.Header.ShouldNotBeNull().KeyNames.ShouldBe(["first"]);
    }

    [Fact]
    public async Task The_header_names_the_key_that_opens_it_and_both_while_a_change_is_under_way()
    {
        using Below below = new();
        await below.FormatAsync();
        (await below.Layer.FindKeyAsync(below.Site, default)).ShouldBe(new KeyName("first"));
        Plan plan = await below.Layer.PlanRekeyAsync(below.Site, s_second, default);
        await RunningPlans.RunAsync(Plan.Of(plan.Steps[0]), Below.Request(), default);
        below.Header.ShouldNotBeNull().KeyNames.ShouldBe(["first", "second"]);

        await RunningPlans.RunAsync(Plan.Of(plan.Steps[1]), Below.Request(), default);

        below.Header.ShouldNotBeNull().KeyNames.ShouldBe(["second"]);
        (await below.Layer.FindKeyAsync(below.Site, default)).ShouldBe(s_second);
    }

    [Fact]
    public async Task A_third_key_takes_the_place_of_the_second_whatever_the_site_says()
    {
        using Below below = new();
        await below.FormatAsync();
        below.Keys.Put("third", 64);
        await Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, s_second, default));
        below.Keys.Remove("first");

        await Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, new("third"), default));

        below.Header.ShouldNotBeNull().KeyNames.ShouldBe(["third"]);
        (await below.OpensAsync("third")).ShouldBeTrue();
        (await below.OpensAsync("second")).ShouldBeFalse();
    }

    [Fact]
    public async Task After_a_change_the_new_key_opens_it_and_the_old_one_no_more()
    {
        using Below below = new();
        await below.FormatAsync();

        (await Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, s_second, default))).Count.ShouldBe(2);

        (await below.OpensAsync("second")).ShouldBeTrue();
        (await below.OpensAsync("first")).ShouldBeFalse();
        below.Header.ShouldNotBeNull().Keys.ShouldBe(1);
    }

    [Fact]
    public async Task Between_the_steps_of_a_change_both_open_it_and_doing_it_again_ends_it()
    {
        using Below below = new();
        await below.FormatAsync();
        OperationRequest request = Below.Request();
        await RunningPlans.RunAsync(Plan.Of((await below.Layer.PlanRekeyAsync(below.Site, s_second, default)).Steps[0]), request, default);

        (await below.OpensAsync("first")).ShouldBeTrue();
        (await below.OpensAsync("second")).ShouldBeTrue();
        await RunningPlans.RunAsync(await below.Layer.PlanRekeyAsync(below.Site, s_second, default), request, default);
        (await RunningPlans.RunAsync(await below.Layer.PlanRekeyAsync(below.Site, s_second, default), request, default)).ShouldBeEmpty();

        (await below.OpensAsync("first")).ShouldBeFalse();
        (await below.OpensAsync("second")).ShouldBeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Undoing_a_change_brings_the_old_key_back_whenever_it_was_cut_short(int steps)
    {
        using Below below = new();
        await below.FormatAsync();
        OperationRequest request = Below.Request();
        Plan plan = await below.Layer.PlanRekeyAsync(below.Site, s_second, default);
        await RunningPlans.RunAsync(Plan.Of([.. plan.Steps.Take(steps)]), request, default);

        await UndoAsync(await below.Layer.PlanRekeyAsync(below.Site, s_second, default), request);

        (await below.OpensAsync("first")).ShouldBeTrue();
        (await below.OpensAsync("second")).ShouldBeFalse();
    }

    [Fact]
    public async Task Undoing_a_change_that_never_began_needs_no_second_key()
    {
        using Below below = new();
        await below.FormatAsync();
        string before = below.Hash();
        below.Keys.Remove("second");

        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, s_second, default)))).Kind.ShouldBe(StorageErrorKind.NotFound);

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task A_change_to_the_same_key_under_another_name_never_leaves_none()
    {
        using Below below = new();
        await below.FormatAsync();
        below.Keys.Put("second", below.Keys.Of("first"));

        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, s_second, default)))).Kind.ShouldBe(StorageErrorKind.Conflict);

        (await below.OpensAsync("first")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_change_with_a_wrong_old_key_leaves_every_byte()
    {
        using Below below = new();
        await below.FormatAsync();
        string before = below.Hash();
        below.Keys.Put("first", 64);

        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, s_second, default)))).Kind.ShouldBe(StorageErrorKind.Conflict);

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task What_is_erased_is_opened_by_no_key_and_its_header_is_gone()
    {
        using Below below = new();
        string empty = below.Hash();
        await below.FormatAsync();
        Plan plan = await below.Layer.PlanEraseAsync(below.Site, default);

        plan.Steps.Single().Expected.Destroyed.ShouldBe("all data of data/vm42");
        await RunningPlans.RunAsync(plan, Below.Request(), default);

        below.Header.ShouldBeNull();
        below.Hash().ShouldBe(empty);
        (await Below.RunAsync(below.Layer.PlanEraseAsync(below.Site, default))).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_half_erased_holds_nothing_and_is_erased_by_doing_it_again()
    {
        using Below below = new();
        await below.FormatAsync();
        await below.ToolAsync("cryptsetup", "luksErase", "--batch-mode");

        (await below.Layer.FindKeyAsync(below.Site, default)).ShouldBeNull();
        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default)))).Kind.ShouldBe(StorageErrorKind.NotFound);
        await Below.RunAsync(below.Layer.PlanEraseAsync(below.Site, default));

        below.Header.ShouldBeNull();
    }

    [Fact]
    public async Task What_is_not_ours_is_not_erased()
    {
        using Below below = new();
        await File.WriteAllBytesAsync($"{below.Path}.key", below.Keys.Of("first"));
        await below.ToolAsync("cryptsetup", "luksFormat", "--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", $"{below.Path}.key");
        string before = below.Hash();

        (await Should.ThrowAsync<StorageException>(async () => await below.Layer.PlanEraseAsync(below.Site, default))).Kind.ShouldBe(StorageErrorKind.Conflict);

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task No_process_is_ever_given_a_key_in_its_arguments_or_environment()
    {
        using Below below = new();
        await below.FormatAsync();

        StorageException failed = await Should.ThrowAsync<StorageException>(async () => await Cryptsetup.RunAsync(["no-such-action"], await KeyAsync(below), next: null, default));

        failed.Message.ShouldNotContain(Convert.ToHexString(below.Keys.Of("first")));
        failed.Message.ShouldContain("--key-file - --keyfile-size 64");
    }

    [Fact]
    public async Task Without_a_source_of_keys_the_probe_and_the_step_say_what_to_add()
    {
        using Below below = new();
        LuksLayer layer = new(below.Options, keys: null);

        (await layer.ProbeAsync(default)).ShouldContain("a source of keys: the profile declares no Keys");
        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(layer.PlanFormatAsync(below.Site, default)))).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
    }

    private static async Task<KeyMaterial> KeyAsync(Below below) => await below.Keys.GetAsync(new("first"), default);

    private static async Task UndoAsync(Plan plan, OperationRequest request)
    {
        foreach (StorageStep step in plan.Steps.Reverse())
        {
            await step.RevertAsync(new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System), default);
        }
    }
}
