using System.CommandLine;
using System.Text;
using EveStorage.Cli;

namespace EveStorage.Host.Cli;

/// <summary>The manual page, written from the command tree: man 7 man has the macros.</summary>
internal static class ManualPage
{
    /// <summary>Writes it.</summary>
    internal static string Write(RootCommand root)
    {
        StringBuilder page = new();
        page.Append(".TH EVESTORAGE 1\n.SH NAME\nevestorage \\- images become volumes, and volumes disks of guests\n");
        page.Append(".SH SYNOPSIS\n.B evestorage\n.I NOUN VERB\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n");
        page.Append(".SH DESCRIPTION\n");
        // The codes end the root's description, and have a section of their own here.
        AddText(page, root.Description!.Split(" Exit codes:")[0]);
        page.Append(".SH OPTIONS OF EVERY VERB\n");
        AddOptions(page, root);
        page.Append(".SH VERBS\n");
        foreach ((string words, Command verb) in Verbs(root, ""))
        {
            AddVerb(page, words, verb);
        }

        page.Append(".SH EXIT STATUS\n");
        foreach ((int code, string meaning) in ExitCodes.All)
        {
            page.Append(".TP\n.B ").Append(code).Append('\n').Append(Escape(meaning)).Append('\n');
        }

        AddFiles(page);
        return page.ToString();
    }

    private static void AddFiles(StringBuilder page)
    {
        page.Append(".SH FILES\nSettings are merged, a later one over an earlier: the profile, appsettings.json beside the program, in /usr/lib/evestorage\n");
        page.Append("and in /etc/evestorage, the environment (EVESTORAGE__Api__Group is the key Api:Group), and a profile that is named by \\-\\-profile.\n");
        page.Append("docs/configuration.md has every key; `evestorage profile show` has those in force.\n");
        page.Append(".TP\n.I /etc/evestorage/appsettings.json\nSettings of this machine.\n");
        page.Append(".TP\n.I /etc/evestorage/profiles/NAME.json\nProfiles of this machine; those that come with the program are beside it and in /usr/lib/evestorage/profiles.\n");
        page.Append(".TP\n.I /var/lib/evestorage\nThe state: the journal of operations and, in the profile embedded, the pool. Of a user who is not root: ~/.local/state/evestorage.\n");
        page.Append(".TP\n.I /run/evestorage/api.sock\nWhere the daemon answers. Of a user who is not root: $XDG_RUNTIME_DIR/evestorage/api.sock.\n");
    }

    /// <summary>Every verb with its words, as a person types them.</summary>
    internal static IEnumerable<(string Words, Command Verb)> Verbs(Command command, string words)
        => command.Subcommands.Where(verb => !verb.Hidden).SelectMany(verb =>
            verb.Subcommands.Count > 0 ? Verbs(verb, $"{words}{verb.Name} ") : [(words + verb.Name, verb)]);

    private static void AddVerb(StringBuilder page, string words, Command verb)
    {
        page.Append(".SS ").Append(Escape(words));
        foreach (Argument argument in verb.Arguments)
        {
            string name = argument.HelpName ?? argument.Name;
            string several = argument.Arity.MaximumNumberOfValues > 1 ? "..." : "";
            page.Append(' ').Append(Escape(argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name + several));
        }

        page.Append('\n');
        AddText(page, verb.Description ?? "");
        foreach (Argument argument in verb.Arguments)
        {
            page.Append(".TP\n.I ").Append(Escape(argument.HelpName ?? argument.Name)).Append('\n').Append(Escape(argument.Description ?? "")).Append('\n');
        }

        AddOptions(page, verb);
    }

    private static void AddOptions(StringBuilder page, Command command)
    {
        foreach (Option option in command.Options.Where(option => !option.Hidden))
        {
            string names = string.Join(", ", option.Aliases.Where(alias => alias is not "-h" and not "/h" and not "-?" and not "/?").Prepend(option.Name));
            string value = option.HelpName is string name ? $" {name}" : "";
            page.Append(".TP\n.B ").Append(Escape(names + value)).Append('\n').Append(Escape(option.Description ?? "")).Append('\n');
        }
    }

    // A paragraph is filled; what starts with "Example" is shown as it is.
    private static void AddText(StringBuilder page, string text)
    {
        string[] paragraphs = text.ReplaceLineEndings("\n").Split("\n\n");
        for (int i = 0; i < paragraphs.Length; i++)
        {
            bool literal = paragraphs[i].StartsWith("Example", StringComparison.Ordinal);
            page.Append(literal ? ".PP\n.nf\n" : i == 0 ? "" : ".PP\n");
            foreach (string line in paragraphs[i].Split('\n'))
            {
                page.Append(Escape(line)).Append('\n');
            }

            page.Append(literal ? ".fi\n" : "");
        }
    }

    // man 7 groff: a backslash escapes, a leading dot or apostrophe is a request, and '-' alone is a hyphen that can't be pasted.
    private static string Escape(string text)
    {
        string escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? $"\\&{escaped}" : escaped;
    }
}
