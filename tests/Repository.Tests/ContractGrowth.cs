using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace EveStorage.Tests;

/// <summary>What a contract has taken away or asked for since an earlier one: what a plugin that was built against that one would break at.</summary>
internal static class ContractGrowth
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>All that breaks, one a line.</summary>
    internal static IReadOnlyList<string> Breaks(Assembly before, Assembly now)
        => [.. before.GetExportedTypes().SelectMany(type => now.GetType(type.FullName!) is { IsVisible: true } grown ? Breaks(type, grown) : [$"{Name(type)} is gone"])];

    /// <summary>What a contract may not have at all, since it could not grow: members with a body that do something, setters, tuples.</summary>
    internal static IReadOnlyList<string> Stiff(Assembly contract)
        => [.. contract.GetExportedTypes().SelectMany(type => Members(type).SelectMany(member => Stiff(type, member)))];

    private static IEnumerable<string> Breaks(Type before, Type now)
    {
        if (Kind(before) != Kind(now))
        {
            yield return $"{Name(before)} was {Kind(before)} and is {Kind(now)}";
        }

        HashSet<string> members = [.. Members(now).Select(Signature)];
        foreach (string gone in Members(before).Select(Signature).Where(signature => !members.Contains(signature)))
        {
            yield return $"{Name(before)}: {gone} is gone";
        }

        foreach (string lost in Kept(before, members).Except(Kept(now, members)))
        {
            yield return $"{Name(before)}: {lost} no more";
        }

        foreach (string added in Asked(now).Except(Asked(before)))
        {
            yield return $"{Name(before)}: {added}";
        }
    }

    /// <summary>What whoever uses it or derives from it relies on, beside that a member is there.</summary>
    private static IEnumerable<string> Kept(Type type, HashSet<string> there)
    {
        MethodBase[] methods = [.. Members(type).OfType<MethodBase>().Where(method => there.Contains(Signature(method)))];
        return
        [
            .. type.GetInterfaces().Select(other => $"is {Name(other)}"),
            .. methods.Where(method => method.IsPublic).Select(method => $"shows {Signature(method)}"),
            .. methods.Where(method => method is { IsVirtual: true, IsFinal: false }).Select(method => $"has {Signature(method)} overridden"),
        ];
    }

    /// <summary>What whoever implements, derives from or makes one has to bring.</summary>
    private static IEnumerable<string> Asked(Type type)
        => [
            .. type.GetInterfaces().Where(_ => type.IsInterface).Select(other => $"asks for {Name(other)}"),
            .. Members(type).OfType<MethodInfo>().Where(method => method.IsAbstract).Select(method => $"asks for {Signature(method)}"),
            .. Members(type).Where(member => member.IsDefined(typeof(RequiredMemberAttribute))).Select(member => $"requires {member.Name}"),
        ];

    private static IEnumerable<string> Stiff(Type type, MemberInfo member)
    {
        if (type.IsInterface && member is MethodInfo { IsAbstract: false } body && !IsGetter(body))
        {
            yield return $"{Name(type)}: {Signature(member)} has a body: a new ability is a new interface";
        }

        if (member is PropertyInfo { SetMethod: { IsPublic: true } set } && !IsInit(set))
        {
            yield return $"{Name(type)}: {member.Name} can be set: what is handed over does not change";
        }

        if (member is FieldInfo { IsStatic: false } && !type.IsEnum)
        {
            yield return $"{Name(type)}: {member.Name} is a field";
        }

        if (member is MethodBase method && method.GetParameters().Select(parameter => parameter.ParameterType).Append(Returned(method)).Any(HasTuple))
        {
            yield return $"{Name(type)}: {Signature(member)} has a tuple, which never gets one more: use a record";
        }

        if (member is MethodInfo work && IsWork(work.ReturnType) && work.Name != nameof(IAsyncDisposable.DisposeAsync)
            && (work.GetParameters() is not [.., ParameterInfo last] || last.ParameterType != typeof(CancellationToken) || last.IsOptional))
        {
            yield return $"{Name(type)}: {Signature(member)} can't be cancelled";
        }
    }

    private static IEnumerable<MemberInfo> Members(Type type)
        => type.GetMembers(All).Where(member => member switch
        {
            MethodBase method => IsSeen(method),
            FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
            PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsSeen),
            _ => false,
        });

    private static bool IsSeen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsGetter(MethodInfo method) => method.IsSpecialName && method.Name.StartsWith("get_", StringComparison.Ordinal);

    private static bool IsInit(MethodInfo set) => set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static bool IsWork(Type type)
        => type == typeof(Task) || type == typeof(ValueTask)
            || (type.IsGenericType && type.GetGenericTypeDefinition() is Type open && (open == typeof(Task<>) || open == typeof(ValueTask<>) || open == typeof(IAsyncEnumerable<>)));

    private static bool HasTuple(Type type)
        => typeof(ITuple).IsAssignableFrom(type) || type.GetGenericArguments().Any(HasTuple) || (type.HasElementType && HasTuple(type.GetElementType()!));

    private static Type Returned(MethodBase method) => method is MethodInfo info ? info.ReturnType : typeof(void);

    // All that the runtime binds by, and what a compiler has written into a plugin: the values of enums and constants.
    private static string Signature(MemberInfo member) => member switch
    {
        FieldInfo { IsLiteral: true } constant => string.Create(CultureInfo.InvariantCulture, $"{constant.Name} = {constant.GetRawConstantValue()}"),
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        PropertyInfo property => $"property {Name(property.PropertyType)} {property.Name}",
        MethodInfo method => $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)}{(method.IsSpecialName && IsInit(method) ? " init" : "")} {method.Name}{Generic(method)}({Parameters(method)})",
        MethodBase method => $"{method.Name}({Parameters(method)})",
        _ => member.Name,
    };

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter => Name(parameter.ParameterType)));

    private static string Generic(MethodInfo method)
        => method.IsGenericMethod
            ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => $"{argument.Name}: {argument.GenericParameterAttributes} {string.Join(' ', argument.GetGenericParameterConstraints().Select(Name))}"))}>"
            : "";

    // Types of one contract are not those of the other: names tell.
    private static string Name(Type type) => $"{type}";

    private static string Kind(Type type)
        => type.IsEnum ? $"an enum of {type.GetEnumUnderlyingType().Name}" : type.IsInterface ? "an interface" : type.IsValueType ? "a struct"
            : $"a{(type is { IsAbstract: true, IsSealed: true } ? " static" : type.IsAbstract ? "n abstract" : type.IsSealed ? " sealed" : "n open")} class of {type.BaseType}";
}
