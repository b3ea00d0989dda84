using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using EveStorage;
using Microsoft.Extensions.Options;

namespace Kept.Files;

/// <summary>
/// What eng/contract adds to the template's backend before it keeps it as a binary: one of each other part that a plugin can have, as small as
/// it can be and really used by tests/Authors.Tests. A plugin of the users has no such thing.
/// </summary>
public sealed class KeptParts : IStoragePlugin
{
    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        ArgumentNullException.ThrowIfNull(registrar);
        new Plugin().Register(registrar);
        PlaceRules rules = new();
        registrar.AddLayer<PlaceOptions>("kept.layer", rules, static (options, services) => new KeptLayer(options, services.Keys));
        registrar.AddTransport<PlaceOptions>("kept.transport", rules, static (options, services) => new KeptTransport(options, services.Name));
        registrar.AddKeyProvider<PlaceOptions>("kept.keys", rules, static (options, _) => new KeptKeys(options));
        registrar.AddFrontEnd<PlaceOptions>("kept.front", rules, static (options, services) => new KeptFront(options, services));
        registrar.AddImageFormat("kept.image", static _ => new KeptImage());
    }
}

/// <summary>Where a part keeps what it has.</summary>
public sealed class PlaceOptions
{
    /// <summary>A directory.</summary>
    public string Directory { get; set; } = "";

    internal string this[string name] => Path.Combine(System.IO.Directory.CreateDirectory(Directory).FullName, name);
}

internal sealed class PlaceRules : IValidateOptions<PlaceOptions>
{
    public ValidateOptionsResult Validate(string? name, PlaceOptions options)
        => Path.IsPathRooted(options.Directory) ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail($"{nameof(PlaceOptions.Directory)}: must be an absolute path");
}

internal sealed class KeptStep(string title, Func<OperationContext, CancellationToken, ValueTask<StepOutcome>> apply, Func<OperationContext, StepOutcome> revert) : StorageStep
{
    public override string Title => title;

    public override StepEffect Expected => StepEffect.Change;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => apply(context, cancellationToken);

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        revert(context);
        return ValueTask.CompletedTask;
    }

    internal static ValueTask<Plan> Of(string title, Func<OperationContext, CancellationToken, ValueTask<StepOutcome>> apply, Func<OperationContext, StepOutcome> revert)
        => new(Plan.Of(new KeptStep(title, apply, revert)));

    internal static StepOutcome Delete(string path)
    {
        bool there = File.Exists(path);
        File.Delete(path);
        return there ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }
}

/// <summary>Keys as files: who made them, and the key.</summary>
internal sealed class KeptKeys(PlaceOptions options) : IKeyProvider
{
    private const int MarkLength = 16;

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public async IAsyncEnumerable<KeyName> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string path in Directory.EnumerateFiles(options[""]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new(Path.GetFileName(path));
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        if (!File.Exists(options[$"{name}"]))
        {
            throw new StorageException(StorageErrorKind.NotFound, $"{name}", "there is no such key");
        }

        byte[] file = File.ReadAllBytes(options[$"{name}"]);
        KeyMaterial key = new(file.Length - MarkLength);
        file.AsSpan(MarkLength).CopyTo(key.Bytes);
        return new(key);
    }

    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken)
        => KeptStep.Of($"make key {name}", (context, _) =>
        {
            if (File.Exists(options[$"{name}"]))
            {
                return new(IsOf(name, context) ? StepOutcome.Changed : StepOutcome.AlreadySo);
            }

            File.WriteAllBytes(options[$"{name}"], [.. context.Request.Id.ToByteArray(), .. RandomNumberGenerator.GetBytes(length)]);
            return new(StepOutcome.Changed);
        }, context => IsOf(name, context) ? KeptStep.Delete(options[$"{name}"]) : StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken)
        => KeptStep.Of($"remove key {name}", (_, _) => new(KeptStep.Delete(options[$"{name}"])), static _ => StepOutcome.AlreadySo);

    private bool IsOf(KeyName name, OperationContext context)
        => File.Exists(options[$"{name}"]) && File.ReadAllBytes(options[$"{name}"]).AsSpan(0, MarkLength).SequenceEqual(context.Request.Id.ToByteArray());
}

/// <summary>Serves a file that is there while it serves.</summary>
internal sealed class KeptFront(PlaceOptions options, PluginServices services) : IFrontEnd
{
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        IKeyProvider keys = services.Keys ?? throw new StorageException(StorageErrorKind.Unavailable, services.Name, "has no source of keys");
        int there = await keys.ListAsync(cancellationToken).CountAsync(cancellationToken);
        await File.WriteAllTextAsync(options[services.Name], $"{there} keys, {services.Time.GetUtcNow():O}", cancellationToken);
        services.Events.Report(new("kept.serving", EventSeverity.Information, services.Name, "serves"));
    }

    public ValueTask DisposeAsync()
    {
        File.Delete(options[services.Name]);
        return ValueTask.CompletedTask;
    }
}
